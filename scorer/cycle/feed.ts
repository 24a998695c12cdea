import {
  EDGE_SERIES,
  ENDPOINT_SERIES,
  type Feature,
  POD_SERIES,
  SERVICE_SERIES,
  VERSION_SERIES,
} from '../features/features.ts';
import type { Logger } from '../../daemon/logger.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { type FeedMatchers, newestEvaluations, NO_MATCHERS, ruleOf, withShards } from './feed-selectors.ts';
import { RejectionReport } from './rejection-report.ts';
import { EVIDENCE_SERIES, INCIDENT_SERIES } from '../series.ts';
import { PrometheusError, type PrometheusClient, type RangeSeries } from '../prometheus/client.ts';
import { selectorOf, selectorOfAll } from '../prometheus/selector.ts';
import type { ShardRanking } from '../scoring/ranking/shard-ranking.ts';
import { ArrivalLog, type Arrivals, joinArrivals, NO_ARRIVALS } from '../timing/arrivals.ts';

export interface FeedOptions {
  readonly client: PrometheusClient;
  readonly fleet: Fleet;
  readonly intervalMs: number;
  /** Steps before the current one that a query may fetch, as the first one does. */
  readonly reach: number;
  /** A query that exceeds a server limit is split into one query per feature. */
  readonly features: { readonly services: readonly Feature[]; readonly edges: readonly Feature[] };
  /** Series of pods and endpoints that detectors read. Default: none. */
  readonly instances?: readonly string[];
  /** Receives the series that other shards wrote. Default: the fleet isn't sharded. */
  readonly shards?: ShardRanking | undefined;
  /** Label matchers for features, and for the series that scorers write. Default: none. */
  readonly matchers?: FeedMatchers;
  /** Further labels of services (`identity.labels`): each place has rules of its own. Default: none. */
  readonly places?: readonly string[];
  readonly metrics?: ScorerMetrics;
  /** Default: series that can't be used are counted only. */
  readonly logger?: Logger;
}

/** Upper bound of the steps in one request: a large fleet's whole history in one request would time out. */
const MAX_STEPS_PER_REQUEST = 10;
/** Steps that every query fetches again, for values that came late. */
const OVERLAP_STEPS = 1;
/** The same now and then, to find values of single services that come later. */
const DEEP_OVERLAP_STEPS = 5;
const STEPS_PER_DEEP_QUERY = 10;
/** A rule without an evaluation for this time may have ended: it isn't waited for. */
const ALIVE_MS = 300_000;

/** The newest evaluations are asked for before the first cycle, which must not wait long for it. */
const ASK_TIMEOUT_MS = 5000;

interface Query {
  readonly name: 'services' | 'edges';
  /** One selector for all features, or one per feature after that exceeded a server limit. */
  selectors: readonly string[];
  readonly split: readonly string[];
  /** The last step that was fetched. */
  fetched: number | undefined;
  /** Steps per request; halved after each timeout. */
  steps: number;
  readonly arrivals: ArrivalLog;
  readonly add: (series: RangeSeries) => void;
}

/**
 * Keeps a fleet up to date with two queries per cycle, whatever the fleet's size: one for the features of all services,
 * one for those of all edges. Each covers the time since the last step that it fetched, in several requests where that
 * is long, and some steps before it, for values that came late. They are range selectors, which have no lookback: a rule
 * that stopped must not look current.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #queries: readonly Query[];
  #arrivals = NO_ARRIVALS;
  readonly #rejections: RejectionReport;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { fleet, features, instances = [], shards, matchers = NO_MATCHERS, logger } = options;
    this.#rejections = new RejectionReport(fleet.rejected, options.metrics, logger);
    const all = (series: string) => selectorOf(series, matchers.features);
    const byFeature = (series: string, list: readonly Feature[]) =>
      list.map(({ name }) => selectorOf(series, `feature="${name}"`, matchers.features));
    const instanceAdders: Readonly<Record<string, (series: RangeSeries) => void>> = {
      [POD_SERIES]: (series) => fleet.addPod(series),
      [VERSION_SERIES]: (series) => fleet.addVersion(series),
      [ENDPOINT_SERIES]: (series) => fleet.addEndpoint(series),
    };
    const ofShards = [EVIDENCE_SERIES, INCIDENT_SERIES];
    this.#queries = [
      {
        name: 'services',
        fetched: undefined,
        steps: MAX_STEPS_PER_REQUEST,
        arrivals: new ArrivalLog(),
        // Pods and endpoints are fetched with the services, if a detector reads them.
        selectors:
          instances.length === 0
            ? [all(SERVICE_SERIES)]
            : [selectorOfAll([SERVICE_SERIES, ...instances], matchers.features)],
        split: [...byFeature(SERVICE_SERIES, features.services), ...instances.map(all)],
        add: (series) => {
          const add = instanceAdders[series.labels['__name__'] ?? ''];
          if (add === undefined) fleet.addService(series);
          else add(series);
        },
      },
      {
        name: 'edges',
        fetched: undefined,
        steps: MAX_STEPS_PER_REQUEST,
        arrivals: new ArrivalLog(),
        selectors: shards === undefined ? [all(EDGE_SERIES)] : withShards(ofShards, matchers),
        split: [
          ...byFeature(EDGE_SERIES, features.edges),
          ...(shards === undefined ? [] : [selectorOfAll(ofShards, matchers.own)]),
        ],
        add: (series) => {
          if (shards?.take(series) !== true) fleet.addEdge(series);
        },
      },
    ];
  }

  /**
   * Asks which features are there now, as if a cycle with this delay had just fetched them: the first fetch then shows
   * which of them were late.
   *
   * @throws PrometheusError
   */
  async ask(nowMs: number, delayMs: number): Promise<void> {
    const arrivals = this.#queries.find(({ name }) => name === 'services')!.arrivals;
    arrivals.asked(nowMs, nowMs - delayMs);
    const { client, places = [], matchers = NO_MATCHERS } = this.#options;
    await client.query(newestEvaluations(places, matchers.features), nowMs, {
      timeoutMs: ASK_TIMEOUT_MS,
      visit: ({ labels, values }) => {
        const newestMs = Math.round((values[0] ?? NaN) * 1000);
        arrivals.see(ruleOf({ ...labels, __name__: SERVICE_SERIES }, places), Float64Array.of(newestMs));
      },
    });
    arrivals.answered();
  }

  /** When the values of the last fetch came. */
  get arrivals(): Arrivals {
    return this.#arrivals;
  }

  /**
   * Fetches everything up to and including `step`. If the clock was set back, clears the fleet and fetches it again.
   *
   * @throws PrometheusError; the next call continues after the last step that was fetched
   */
  async fetchUntil(step: number): Promise<void> {
    if (this.#queries.some(({ fetched }) => fetched !== undefined && fetched > step)) {
      this.#options.fleet.clear();
      for (const query of this.#queries) {
        query.fetched = undefined;
        query.arrivals.clear();
      }
    }
    const outcomes = await Promise.allSettled(this.#queries.map((query) => this.#run(query, step)));
    this.#rejections.report();
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    this.#arrivals = joinArrivals(outcomes.map((outcome) => (outcome as PromiseFulfilledResult<Arrivals>).value));
  }

  async #run(query: Query, to: number): Promise<Arrivals> {
    const { intervalMs, metrics, reach, shards } = this.#options;
    const stop = metrics?.queryDuration.startTimer({ query: query.name });
    // Samples of other shards have the timestamp of the step itself, which a left-open range would exclude.
    const overlapMs = shards === undefined ? 0 : 1;
    let watched: ArrivalLog | undefined;
    try {
      let fetched = Math.max(query.fetched ?? -Infinity, to - reach - 1);
      let from = fetched - this.#overlap(query, to);
      while (fetched < to) {
        const last = Math.min(to, from + query.steps);
        // Of a long past, only the last requests show what is late now.
        if (watched === undefined && last > to - query.steps) {
          watched = query.arrivals;
          watched.asked(Date.now(), to * intervalMs);
        }
        await this.#fetch(query, from * intervalMs - overlapMs, last * intervalMs, watched);
        query.fetched = fetched = from = last;
      }
      return watched?.answered() ?? NO_ARRIVALS;
    } catch (error) {
      if (error instanceof PrometheusError && error.code === 'TIMEOUT') query.steps = Math.ceil(query.steps / 2);
      metrics?.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      throw error;
    } finally {
      stop?.();
    }
  }

  /** Steps to fetch again: as many as values are late, as far as a request may be that long. */
  #overlap({ fetched, steps, arrivals }: Query, to: number): number {
    const { intervalMs, reach } = this.#options;
    if (fetched === undefined) return 0;
    const max = Math.min(reach, steps - 1);
    const least = to % STEPS_PER_DEEP_QUERY === 0 ? DEEP_OVERLAP_STEPS : OVERLAP_STEPS;
    const completeMs = arrivals.completeUntilMs(fetched * intervalMs - ALIVE_MS);
    const missing = completeMs === undefined ? max : fetched + 1 - Math.ceil(completeMs / intervalMs);
    return Math.min(max, Math.max(least, missing));
  }

  /** Switches to one query per feature for good when a query for all features exceeds a server limit. */
  async #fetch(query: Query, startMs: number, endMs: number, watched: ArrivalLog | undefined): Promise<void> {
    const { client, fleet, places = [] } = this.#options;
    const watch =
      query.fetched === undefined || watched === undefined
        ? undefined
        : { until: query.fetched, onFilled: (timestampMs: number) => watched.seeGapFilled(timestampMs) };
    const visit = (series: RangeSeries) => {
      if (series.labels['feature'] !== undefined) watched?.see(ruleOf(series.labels, places), series.timestamps);
      fleet.gapWatch = watch;
      query.add(series);
    };
    try {
      for (const selector of query.selectors) await client.samples(selector, startMs, endMs, { visit });
    } catch (error) {
      const splits = error instanceof PrometheusError && error.exceedsLimit && query.selectors !== query.split;
      if (!splits) throw error;
      query.selectors = query.split;
      await this.#fetch(query, startMs, endMs, watched);
    }
  }
}
