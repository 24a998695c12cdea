import { createHttpClient, type HttpClient } from '../../daemon/http-client/client.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { PrometheusClient, PrometheusError } from '../prometheus/client.ts';
import { equalTo } from '../prometheus/selector.ts';
import type { ShardRanking } from '../scoring/ranking/shard-ranking.ts';
import { SteadyTime } from '../timing/steady-time.ts';
import { Feed } from './feed.ts';
import { instanceSeries } from './feed-selectors.ts';
import { TimingWatch } from './timing-watch.ts';

export interface FeatureSourceOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  /** Steps before the current one that are needed. */
  readonly reach: number;
  readonly detectors: { reads(kind: 'pod' | 'endpoint'): boolean };
  readonly shards: ShardRanking | undefined;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/**
 * Stops a runaway response; memory stays small, as responses are parsed in a stream. 10,000 services: 130 MB a step.
 */
const MAX_RESPONSE_BYTES = 2 ** 31;

/** The cycle waits for it. */
const CLOCK_TIMEOUT_MS = 5000;

/** Prometheus as the source of a fleet's features, and when it has them. */
export class FeatureSource {
  readonly client: PrometheusClient;
  readonly #http: HttpClient;
  readonly #timing: TimingWatch;
  readonly #feed: Feed;
  readonly #logger: Logger;
  readonly #log: ConditionLog;
  readonly #time = new SteadyTime();
  /** Readings of the store's clock. */
  #clocks = 0;

  constructor({ config, set, fleet, reach, detectors, shards, logger, metrics }: FeatureSourceOptions) {
    const { url, timeout: timeoutMs } = config.prometheus;
    this.#logger = logger;
    this.#log = new ConditionLog(logger);
    this.#http = createHttpClient(config.prometheus, { timeoutMs, maxBytes: MAX_RESPONSE_BYTES });
    this.client = new PrometheusClient({
      url,
      http: this.#http,
      onClock: (reading) => {
        this.#clocks++;
        this.#time.observe(reading.serverMs, performance.now());
        this.#timing.observeClock(reading);
      },
    });
    this.#timing = new TimingWatch({ config, set, client: this.client, logger, metrics });
    this.#feed = new Feed({
      client: this.client,
      fleet,
      intervalMs: config.interval,
      reach,
      features: { services: set.features, edges: set.edges },
      instances: instanceSeries(detectors),
      shards,
      matchers: { features: config.prometheus.matchers, own: equalTo(config.external_labels) },
      places: config.identity.labels,
      metrics,
      logger,
    });
  }

  /** Time from the end of a step until its features are there. */
  get delayMs(): number {
    return this.#timing.delay.ms;
  }

  /** Asks which features are there, so that the first cycle can tell whether they come late, and logs the delay. */
  async open(): Promise<void> {
    try {
      await this.#feed.ask(Date.now(), this.delayMs);
      this.#timing.asked();
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      this.#logger.debug('features not asked for at the start', { error });
    }
    this.#timing.announce();
  }

  /**
   * True if `timestampMs` is in the store's future: the clock was set ahead. What is written then keeps the store from
   * taking what is written after the clock is set back.
   */
  async isAhead(timestampMs: number): Promise<boolean> {
    if (!this.#time.isKnown || this.#time.isAhead(timestampMs, performance.now())) await this.#readClock();
    const isAhead = this.#time.isAhead(timestampMs, performance.now());
    if (isAhead) this.#log.failing('clock', 'no cycles until the time is certain', 'the clock was set ahead');
    else this.#log.recovered('clock', 'the time is certain again');
    return isAhead;
  }

  /** Fetches everything up to and including `step`. @throws PrometheusError */
  async fetchUntil(step: number): Promise<void> {
    await this.#feed.fetchUntil(step);
    this.#timing.observe(this.#feed.arrivals);
    this.#timing.lookAtWindows(Date.now());
  }

  /** Reads the store's clock; without one, as behind some proxies, the scorer's own counts. */
  async #readClock(): Promise<void> {
    const nowMs = Date.now();
    const seen = this.#clocks;
    try {
      await this.client.query('vector(1)', nowMs, { timeoutMs: CLOCK_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      this.#logger.debug('clock of Prometheus not read', { error });
      return;
    }
    if (this.#clocks === seen) this.#time.observe(nowMs, performance.now());
  }

  async close(): Promise<void> {
    await this.#http.close();
    await this.#timing.settled();
  }
}
