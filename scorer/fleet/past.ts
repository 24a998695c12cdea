import type { ScorerConfig } from '../config.ts';
import { EDGE_SERIES, SERVICE_SERIES, type FeatureSet } from '../features/features.ts';
import { Fleet } from './fleet.ts';
import type { PrometheusClient, RangeSeries } from '../prometheus/client.ts';
import type { Rejected, Rejection } from './rejected-series.ts';
import { owns } from '../identity/shard.ts';
import { equalTo, selectorOf } from '../prometheus/selector.ts';
import { serviceKey, serviceName } from '../identity/service-key.ts';
import { columnCount } from '../features/columns.ts';

/** Milliseconds since the epoch, both ends included. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A span of history, parts of which may be excluded. */
export interface PastSpan extends TimeSpan {
  /** Spans not to learn from, such as known faults. */
  readonly exclude?: readonly TimeSpan[];
}

/** Source of a fleet's history. */
export interface PastSource {
  readonly client: PrometheusClient;
  readonly set: FeatureSet;
  readonly config: Pick<ScorerConfig, 'interval' | 'steps' | 'shard' | 'identity'> & {
    readonly prometheus: Pick<ScorerConfig['prometheus'], 'matchers'>;
  };
  readonly signal?: AbortSignal;
  /** Called for each kind of series of an answer that can't be used. */
  readonly onRejected?: (reason: Rejection, rejected: Rejected) => void;
}

/** Upper bound of the values one query returns: about 15 MB of JSON, held in memory at once. */
const MAX_VALUES_PER_QUERY = 500_000;
/** A service exists if it had a value within this time; the same as Prometheus' default lookback. */
const LOOKBACK_MS = 300_000;

/** The keys of this shard's services that exist at the end of a span, sorted. @throws PrometheusError */
export async function listServices({ client, config, signal }: PastSource, { toMs }: TimeSpan): Promise<string[]> {
  const lookbackMs = Math.max(LOOKBACK_MS, 2 * config.interval);
  const series = selectorOf(SERVICE_SERIES, config.prometheus.matchers);
  const query = `group by (${config.identity.by}) (last_over_time(${series}[${lookbackMs}ms]))`;
  const keys: string[] = [];
  await client.query(query, toMs, {
    ...(signal !== undefined && { signal }),
    visit: ({ labels }) => {
      const name = config.identity.service(labels);
      if (name !== undefined && owns(config.shard, name)) keys.push(serviceKey(name));
    },
  });
  return keys.sort();
}

/** The features of all services and edges over the span; excluded time is missing. @throws PrometheusError */
export async function fetchFleet(source: PastSource, span: PastSpan): Promise<Fleet> {
  return await fetchSelected(source, span, {
    services: [selectorOf(SERVICE_SERIES, source.config.prometheus.matchers)],
    edges: [selectorOf(EDGE_SERIES, source.config.prometheus.matchers)],
  });
}

/** A group of services that is fetched with one query, with the edges from and to them. */
export interface FleetGroup {
  readonly keys: readonly string[];
  readonly fleet: Fleet;
}

/**
 * Like `fetchFleet`, for these services in groups, so that memory doesn't grow with the fleet.
 *
 * @throws PrometheusError
 */
export async function* fetchGroups(
  source: PastSource,
  span: PastSpan,
  keys: readonly string[],
): AsyncGenerator<FleetGroup> {
  const { config } = source;
  const size = groupSize(source, span);
  for (let start = 0; start < keys.length; start += size) {
    source.signal?.throwIfAborted();
    const group = keys.slice(start, start + size);
    const fleet = await fetchSelected(source, span, {
      services: selectors(SERVICE_SERIES, group, '', config.prometheus.matchers),
      edges: edgeSelectors(group, config.prometheus.matchers),
    });
    yield { keys: group, fleet };
  }
}

/** Selectors of the edges from and to these services. @param matchers further label matchers */
export function edgeSelectors(keys: readonly string[], matchers = ''): string[] {
  return ['client_', 'server_'].flatMap((prefix) => selectors(EDGE_SERIES, keys, prefix, matchers));
}

/** Number of services whose history fits into one query. */
function groupSize({ set, config }: PastSource, { fromMs, toMs }: TimeSpan): number {
  const values = columnCount(set.features) * Math.ceil((toMs - fromMs) / config.interval);
  return Math.max(1, Math.floor(MAX_VALUES_PER_QUERY / values));
}

/** Selectors of series, by what they are features of. */
export type PastSelectors = Partial<Readonly<Record<'services' | 'edges' | 'pods' | 'endpoints', readonly string[]>>>;

/** The selected features over the span; excluded time is missing. @throws PrometheusError */
export async function fetchSelected(
  { config: { interval, steps, shard, identity }, set, client, signal, onRejected }: PastSource,
  { fromMs, toMs, exclude = [] }: PastSpan,
  { services = [], edges = [], pods = [], endpoints = [] }: PastSelectors,
): Promise<Fleet> {
  const reach = (steps.at(-1) ?? 0) + 1;
  const fleet = new Fleet(set, interval, Math.ceil((toMs - fromMs) / interval) + reach + 1, shard, identity);
  const start = Math.ceil(fromMs / interval) * interval;
  const fetch = async (selector: string, add: (series: RangeSeries) => void) => {
    await client.queryRange(selector, start, toMs, interval, {
      ...(signal !== undefined && { signal }),
      visit: (series) => add(without(series, exclude)),
    });
  };
  for (const selector of services) await fetch(selector, (series) => fleet.addService(series));
  for (const selector of edges) await fetch(selector, (series) => fleet.addEdge(series));
  for (const selector of pods) await fetch(selector, (series) => fleet.addPod(series));
  for (const selector of endpoints) await fetch(selector, (series) => fleet.addEndpoint(series));
  if (onRejected !== undefined) for (const rejected of fleet.rejected.take()) onRejected(rejected.reason, rejected);
  return fleet;
}

/**
 * One selector for each namespace of `keys`, by the labels `<prefix>namespace` and `<prefix>service`, and by the further
 * labels of the identity, which an edge has once.
 *
 * @param matchers further label matchers
 */
export function selectors(series: string, keys: readonly string[], prefix = '', matchers = ''): string[] {
  const byPlace = new Map<string, string[]>();
  for (const { namespace, service, ...labels } of keys.map(serviceName)) {
    const place = equalTo({ ...labels, [`${prefix}namespace`]: namespace });
    const services = byPlace.get(place) ?? [];
    byPlace.set(place, services);
    services.push(service.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  }
  return [...byPlace].map(([place, services]) =>
    selectorOf(series, place, `${prefix}service=~${JSON.stringify(services.join('|'))}`, matchers),
  );
}

function without(series: RangeSeries, exclude: readonly TimeSpan[]): RangeSeries {
  if (exclude.length === 0) return series;
  const kept = series.values.map((value, index) => {
    const timeMs = series.timestamps[index] ?? NaN;
    return exclude.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs) ? NaN : value;
  });
  return { ...series, values: kept };
}
