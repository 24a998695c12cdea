import { setAside } from '../../daemon/files/set-aside.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { serviceName } from '../identity/service-key.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { modelPaths } from '../paths.ts';
import { type PrometheusClient, PrometheusError } from '../prometheus/client.ts';
import { excusedAt, type SourceOfSeries } from '../scoring/gone/excuses.ts';
import { failingCalls } from '../scoring/gone/failing-calls.ts';
import { loadGone, saveGone } from '../scoring/gone/gone-file.ts';
import { type GoneEvidence, type GoneService, GoneServices } from '../scoring/gone/gone-services.ts';
import { removedExpressions } from '../scoring/gone/removed.ts';
import { announcedAt } from '../announced/expressions.ts';
import type { Announcements } from '../announced/watch.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';

/** Steps between two saves while nothing changes but time. */
const STEPS_PER_SAVE = 10;

export interface GoneWatchOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Watches for services that vanish during an incident. Queries only while there are some; kept on disk over restarts. */
export class GoneWatch {
  readonly #options: GoneWatchOptions;
  readonly #conditions: ConditionLog;
  readonly #services: GoneServices;
  #saved = '';
  #reported: ReadonlySet<string> = new Set();

  constructor(options: GoneWatchOptions) {
    this.#options = options;
    this.#conditions = new ConditionLog(options.logger);
    const { config, set } = options;
    const steps = (durationMs: number) => Math.ceil(durationMs / config.interval);
    this.#services = new GoneServices({
      keepSteps: steps(config.gone.keep),
      settleSteps: steps(set.windows[0] ?? 0),
      max: config.gone.max,
    });
  }

  /** The services that are gone and belong to the incident. */
  get current(): readonly GoneService[] {
    return this.#services.current;
  }

  load(): void {
    const { config, logger } = this.#options;
    const path = modelPaths(config).gone;
    const reason = loadGone(path, this.#services, config.interval);
    if (reason === undefined) return;
    logger.warn('file of gone services not usable, starting without', { reason, set_aside: setAside(path) });
  }

  /** Finds the services that are gone at `step`. Never rejects. */
  async update(step: number, profiles: Profiles | undefined, announced: Announcements): Promise<void> {
    const { set, fleet } = this.#options;
    const absent = this.#services.observe(set.features, fleet, step);
    if (absent.size === 0) return;
    const failing = failingCalls(set, fleet, step, absent, profiles?.edges);
    const suspects = this.#services.suspects(failing);
    if (suspects.length === 0) return;
    this.#services.judge(step, await this.#evidence(step, suspects, failing, announced));
  }

  /** Remembers a step's scores and evidence by service. */
  remember(step: number, scores: ReadonlyMap<string, number>, bits: ReadonlyMap<string, number>): void {
    this.#services.remember(step, scores, bits);
    const gone = new Set(this.current.map(({ key }) => key));
    for (const key of gone) {
      if (!this.#reported.has(key)) this.#options.logger.warn('service gone', { ...serviceName(key) });
    }
    for (const key of this.#reported) {
      if (!gone.has(key)) this.#options.logger.info('service no longer gone', { ...serviceName(key) });
    }
    this.#reported = gone;
  }

  /** Saves what changed; otherwise from time to time. */
  async saveIfDue(step: number): Promise<void> {
    const state = this.#state();
    const isEmpty = this.#services.missing.size === 0 && this.#services.streaks.size === 0;
    if (state !== this.#saved || (step % STEPS_PER_SAVE === 0 && !isEmpty)) await this.save();
  }

  async save(): Promise<void> {
    const { config } = this.#options;
    try {
      await saveGone(modelPaths(config).gone, this.#services, config.interval);
      this.#saved = this.#state();
      this.#conditions.recovered('save', 'saving the gone services works again');
    } catch (error) {
      this.#conditions.failing('save', 'saving the gone services failed, a restart loses them', error);
    }
  }

  #state(): string {
    const { streaks, missing } = this.#services;
    const gone = [...missing].filter(([, one]) => one.gone !== undefined).map(([key]) => key);
    const state = [gone, [...streaks.entries].map(([key]) => key)];
    return state.every((keys) => keys.length === 0) ? '' : JSON.stringify(state);
  }

  /** Without an answer, a service is neither removed nor excused. */
  async #evidence(
    step: number,
    suspects: readonly string[],
    failing: GoneEvidence['failing'],
    announced: Announcements,
  ): Promise<GoneEvidence> {
    const { client, config } = this.#options;
    const timeMs = step * config.interval;
    const { identity } = config;
    const source: SourceOfSeries = { identity, matchers: config.prometheus.matchers };
    const expressions = config.gone.removed ?? removedExpressions(source);
    const removed = await this.#try('removed', () => announcedAt(client, expressions, timeMs, identity));
    const excused = await this.#try('excused', () => excusedAt(client, suspects, timeMs, source));
    return {
      failing,
      isRemoved: (key) =>
        [announced.maintenance, announced.expected, removed].some((services) => services?.covers(key) === true),
      isExcused: (key) => excused?.has(key) === true,
    };
  }

  async #try<T>(query: 'removed' | 'excused', run: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await run();
      this.#conditions.recovered(query, 'query about gone services works again', { query });
      return result;
    } catch (error) {
      this.#options.metrics.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      this.#conditions.failing(query, 'query about gone services failed, going on without', error);
      return undefined;
    }
  }
}
