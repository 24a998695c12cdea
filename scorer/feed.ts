import { EDGE_SERIES, SERVICE_SERIES } from './features.ts';
import type { Fleet } from './fleet.ts';
import type { ScorerMetrics } from './metrics.ts';
import { PrometheusError, type PrometheusClient, type RangeSeries } from './prometheus.ts';

/**
 * Keeps a fleet up to date: two queries a cycle, whatever the fleet's size, one for all services' features
 * and one for all edges', each over the range of time since the last that was answered. They ask for samples
 * as they were written, not for values looked back for, so that a rule that stopped isn't taken for a fresh one.
 */
export class Feed {
  readonly #client: PrometheusClient;
  readonly #fleet: Fleet;
  readonly #intervalMs: number;
  readonly #reach: number;
  readonly #metrics: ScorerMetrics | undefined;
  #answered: number | undefined;

  /** @param reach steps back that the first query fetches, and the most that any fetches */
  constructor(client: PrometheusClient, fleet: Fleet, intervalMs: number, reach: number, metrics?: ScorerMetrics) {
    this.#client = client;
    this.#fleet = fleet;
    this.#intervalMs = intervalMs;
    this.#reach = reach;
    this.#metrics = metrics;
  }

  /**
   * Fetches everything up to `step`, included.
   *
   * @throws PrometheusError; the next call then fetches the same time again
   */
  async fetchUntil(step: number): Promise<void> {
    const from = Math.max((this.#answered ?? step - this.#reach - 1) + 1, step - this.#reach);
    await Promise.all([
      this.#query('services', SERVICE_SERIES, from, step, (series) => this.#fleet.addService(series)),
      this.#query('edges', EDGE_SERIES, from, step, (series) => this.#fleet.addEdge(series)),
    ]);
    this.#answered = step;
  }

  async #query(
    query: string,
    selector: string,
    from: number,
    to: number,
    add: (series: RangeSeries) => void,
  ): Promise<void> {
    const stop = this.#metrics?.queryDuration.startTimer({ query });
    try {
      const [startMs, endMs] = [(from - 1) * this.#intervalMs, to * this.#intervalMs];
      await this.#client.samples(selector, startMs, endMs, { visit: add });
    } catch (error) {
      this.#metrics?.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      throw error;
    } finally {
      stop?.();
    }
  }
}
