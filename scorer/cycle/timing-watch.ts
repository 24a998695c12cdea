import { formatDuration } from '../../daemon/config-file.ts';
import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import type { ScorerMetrics } from '../metrics.ts';
import type { ClockReading, PrometheusClient } from '../prometheus/client.ts';
import { type Arrivals, NO_ARRIVALS, RULE_INTERVAL_TOLERANCE } from '../timing/arrivals.ts';
import { clockSkewMs, MAX_CLOCK_SKEW_MS } from '../timing/clock-skew.ts';
import { FeatureDelay, MAX_DELAY_MS } from '../timing/feature-delay.ts';
import { type EmptyWindow, emptyWindows, sampleIntervals, windowAdvice } from '../timing/sample-interval.ts';

export interface TimingWatchOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Time between two looks at the scrape intervals: while there are no samples or a window is too short, and afterwards. */
const SOON_MS = 300_000;
const LATER_MS = 3_600_000;

/**
 * Watches when the store has what the scorer asks for: finds the delay of the cycles, and reports late features, rules
 * and scrapes that are too far apart, and clocks that differ, each once, and as metrics.
 */
export class TimingWatch {
  readonly delay: FeatureDelay;
  readonly #options: TimingWatchOptions;
  readonly #reported = new Set<string>();
  #nextLookMs = -Infinity;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: TimingWatchOptions) {
    this.#options = options;
    const { config, metrics } = options;
    this.delay = new FeatureDelay(config.interval, config.delay);
    metrics.delay.set(this.delay.ms / 1000);
    metrics.sufficientDelay.set(this.delay.ms / 1000);
    for (const windowMs of options.set.windows) metrics.emptyWindows.set({ window: formatDuration(windowMs) }, 0);
    metrics.clockSkew.set(0);
    metrics.featureLateness.set(0);
  }

  /** Logs how long cycles wait, and who says so. */
  announce(): void {
    const { ms, isConfigured } = this.delay;
    this.#options.logger.info('cycles wait for features', {
      delay_seconds: ms / 1000,
      from: isConfigured ? 'configuration' : 'default, longer if features come later',
    });
  }

  /** The store was asked what it has before the first cycle, which is therefore the first that can tell. */
  asked(): void {
    this.delay.observe(NO_ARRIVALS);
  }

  /** Takes the arrivals of a cycle. */
  observe(arrivals: Arrivals): void {
    const { logger, metrics, config } = this.#options;
    const { delay } = this;
    const verdict = delay.observe(arrivals);
    const lateness = Math.max(delay.latenessMs, arrivals.latenessMs) / 1000;
    const fields = { lateness_seconds: lateness, delay_seconds: delay.ms / 1000 };
    metrics.lateValues.inc(arrivals.lateValues);
    metrics.featureLateness.set(lateness);
    metrics.sufficientDelay.set(delay.sufficientMs / 1000);
    metrics.delay.set(delay.ms / 1000);
    if (verdict === 'raised') logger.warn('features come late, waiting longer for them', fields);
    const sufficient = { sufficient_delay: formatDuration(delay.sufficientMs) };
    this.#report('too_short', verdict === 'too_short', () =>
      logger.warn('features come later than the configured delay', { ...fields, ...sufficient }),
    );
    this.#report('beyond_limit', verdict === 'beyond_limit', () =>
      logger.warn('features come later than any delay', { ...fields, longest_delay: formatDuration(MAX_DELAY_MS) }),
    );
    const { ruleIntervalMs } = arrivals;
    if (ruleIntervalMs === undefined) return;
    metrics.ruleInterval.set(ruleIntervalMs / 1000);
    this.#report('rule_interval', ruleIntervalMs > config.interval * RULE_INTERVAL_TOLERANCE, () =>
      logger.warn('rules are evaluated less often than the scorer runs, so steps have no features', {
        rule_interval: formatDuration(ruleIntervalMs),
        interval: formatDuration(config.interval),
      }),
    );
  }

  /** Takes the clocks of a response of Prometheus. */
  observeClock(reading: ClockReading): void {
    const { logger, metrics } = this.#options;
    const skewMs = clockSkewMs(reading);
    metrics.clockSkew.set(skewMs / 1000);
    this.#report(
      'clock_skew',
      Math.abs(skewMs) > MAX_CLOCK_SKEW_MS,
      () => logger.warn('the clocks of scorer and Prometheus differ', { prometheus_ahead_seconds: skewMs / 1000 }),
      () => logger.info('the clocks of scorer and Prometheus agree again'),
    );
  }

  /** Compares the windows with the scrape intervals now and then, in the background: a cycle doesn't wait for it. */
  lookAtWindows(nowMs: number): void {
    if (nowMs < this.#nextLookMs) return;
    this.#nextLookMs = nowMs + SOON_MS;
    this.#looking = this.#look(nowMs).catch((error: unknown) => {
      this.#options.logger.debug('scrape intervals not known', { error: error as Error });
    });
  }

  /** Resolves when no look is in progress. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  async #look(nowMs: number): Promise<void> {
    const { client, set, metrics, logger } = this.#options;
    const intervals = await sampleIntervals(client, set, nowMs);
    if (intervals.size === 0) return;
    metrics.scrapeInterval.set(Math.max(...intervals.values()) / 1000);
    const empty = emptyWindows(set, intervals);
    if (empty.length === 0) this.#nextLookMs = nowMs + LATER_MS;
    for (const windowMs of set.windows) {
      const found = empty.find((one) => one.windowMs === windowMs);
      metrics.emptyWindows.set({ window: formatDuration(windowMs) }, found?.features.length ?? 0);
      this.#report(
        `window ${windowMs}`,
        found !== undefined,
        () => this.#logEmpty(found!),
        () =>
          logger.info('a window is long enough for the scrape interval again', { window: formatDuration(windowMs) }),
      );
    }
  }

  #logEmpty(empty: EmptyWindow): void {
    const { set, logger } = this.#options;
    logger.warn('a window is too short for the scrape interval, so its features have no values', {
      window: formatDuration(empty.windowMs),
      scrape_interval: formatDuration(empty.scrapeIntervalMs),
      features: empty.features.length,
      for_example: empty.features[0],
      edges_and_instances: empty.others,
      fix: windowAdvice(set, empty),
    });
  }

  /** Logs a condition when it begins, and its end where that is worth a line. */
  #report(condition: string, holds: boolean, begin: () => void, end?: () => void): void {
    if (holds === this.#reported.has(condition)) return;
    if (holds) {
      this.#reported.add(condition);
      begin();
    } else {
      this.#reported.delete(condition);
      end?.();
    }
  }
}
