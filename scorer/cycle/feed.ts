import { EDGE_SERIES, type Feature, SERVICE_SERIES } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { EVIDENCE_SERIES, INCIDENT_SERIES } from '../series.ts';
import { PrometheusError, type PrometheusClient, type RangeSeries } from '../prometheus/client.ts';
import type { ShardRanking } from '../scoring/shard-ranking.ts';

export interface FeedOptions {
  readonly client: PrometheusClient;
  readonly fleet: Fleet;
  readonly intervalMs: number;
  /** Steps back that the first query fetches, and the most that any fetches. */
  readonly reach: number;
  /** Features of services and edges, by which a query that the server finds too large is split. */
  readonly features: { readonly services: readonly Feature[]; readonly edges: readonly Feature[] };
  /** Takes what other shards wrote, where the fleet is spread over several. */
  readonly shards?: ShardRanking | undefined;
  readonly metrics?: ScorerMetrics;
}

/** Steps that one request asks for at first: all of a large fleet's past at once takes longer than a time-out. */
const MOST_STEPS = 10;

interface Query {
  readonly name: 'services' | 'edges';
  /** One for all, or one a feature once that was too large. */
  selectors: readonly string[];
  readonly split: readonly string[];
  /** The last step that was answered. */
  answered: number | undefined;
  /** Steps that one request asks for, fewer after each that took too long. */
  steps: number;
  readonly add: (series: RangeSeries) => void;
}

/**
 * Keeps a fleet up to date: two queries a cycle, whatever the fleet's size, one for all services' features
 * and one for all edges', each over the range of time since the last that was answered, in pieces where that is long. They ask for samples
 * as they were written, not for values looked back for, so that a rule that stopped isn't taken for a fresh one.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #queries: readonly Query[];

  constructor(options: FeedOptions) {
    this.#options = options;
    const { fleet, features, shards } = options;
    const byFeature = (series: string, list: readonly Feature[]) =>
      list.map(({ name }) => `${series}{feature="${name}"}`);
    const told = [EVIDENCE_SERIES, INCIDENT_SERIES];
    const select = (names: readonly string[]) => `{__name__=~"${names.join('|')}"}`;
    this.#queries = [
      {
        name: 'services',
        answered: undefined,
        steps: MOST_STEPS,
        selectors: [SERVICE_SERIES],
        split: byFeature(SERVICE_SERIES, features.services),
        add: (series) => fleet.addService(series),
      },
      {
        name: 'edges',
        answered: undefined,
        steps: MOST_STEPS,
        // What shards tell each other comes along with the edges: a query of its own would be a third.
        selectors: [shards === undefined ? EDGE_SERIES : select([EDGE_SERIES, ...told])],
        split: [...byFeature(EDGE_SERIES, features.edges), ...(shards === undefined ? [] : [select(told)])],
        add: (series) => {
          if (shards?.take(series) !== true) fleet.addEdge(series);
        },
      },
    ];
  }

  /**
   * Fetches everything up to `step`, included. After a clock that was set back what is known of a later time is forgotten.
   *
   * @throws PrometheusError; the next call then goes on from what was answered
   */
  async fetchUntil(step: number): Promise<void> {
    if (this.#queries.some(({ answered }) => answered !== undefined && answered > step)) {
      this.#options.fleet.clear();
      for (const query of this.#queries) query.answered = undefined;
    }
    const asked = await Promise.allSettled(this.#queries.map((query) => this.#ask(query, step)));
    for (const outcome of asked) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #ask(query: Query, to: number): Promise<void> {
    const { intervalMs, metrics, reach, shards } = this.#options;
    const stop = metrics?.queryDuration.startTimer({ query: query.name });
    // What the other shards wrote bears the time of the last step itself, which a range leaves out.
    const overlapMs = shards === undefined ? 0 : 1;
    try {
      let known = Math.max(query.answered ?? -Infinity, to - reach - 1);
      while (known < to) {
        const last = Math.min(to, known + query.steps);
        await this.#fetch(query, known * intervalMs - overlapMs, last * intervalMs);
        query.answered = known = last;
      }
    } catch (error) {
      if (error instanceof PrometheusError && error.code === 'TIMEOUT') query.steps = Math.ceil(query.steps / 2);
      metrics?.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      throw error;
    } finally {
      stop?.();
    }
  }

  /** Asks for a feature at a time, from now on, where all at once is more than the server gives. */
  async #fetch(query: Query, startMs: number, endMs: number): Promise<void> {
    try {
      for (const selector of query.selectors) {
        await this.#options.client.samples(selector, startMs, endMs, { visit: query.add });
      }
    } catch (error) {
      const splits = error instanceof PrometheusError && error.tooMuchAtOnce && query.selectors !== query.split;
      if (!splits) throw error;
      query.selectors = query.split;
      await this.#fetch(query, startMs, endMs);
    }
  }
}
