import type { ScorerConfig } from '../config.ts';
import { EDGE_SERIES, SERVICE_SERIES, type FeatureSet } from '../features/features.ts';
import { Fleet } from './fleet.ts';
import type { PrometheusClient, RangeSeries } from '../prometheus/client.ts';
import { owns } from '../identity/shard.ts';
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
  readonly config: Pick<ScorerConfig, 'interval' | 'steps' | 'shard'>;
  readonly signal?: AbortSignal;
}

/** Upper bound of the values one query returns: about 15 MB of JSON, held in memory at once. */
const MAX_VALUES_PER_QUERY = 500_000;
/** A service exists if it had a value within this time; the same as Prometheus' default lookback. */
const LOOKBACK_MS = 300_000;

/** The keys of this shard's services that exist at the end of a span, sorted. @throws PrometheusError */
export async function listServices({ client, config, signal }: PastSource, { toMs }: TimeSpan): Promise<string[]> {
  const lookbackMs = Math.max(LOOKBACK_MS, 2 * config.interval);
  const query = `group by (namespace, service) (last_over_time(${SERVICE_SERIES}[${lookbackMs}ms]))`;
  const keys: string[] = [];
  await client.query(query, toMs, {
    ...(signal !== undefined && { signal }),
    visit: ({ labels: { namespace, service } }) => {
      if (namespace === undefined || service === undefined || !owns(config.shard, { namespace, service })) return;
      keys.push(serviceKey({ namespace, service }));
    },
  });
  return keys.sort();
}

/** The features of all services and edges over the span; excluded time is missing. @throws PrometheusError */
export async function fetchFleet(source: PastSource, span: PastSpan): Promise<Fleet> {
  return await fetchSelected(source, span, [SERVICE_SERIES], [EDGE_SERIES]);
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
  const size = groupSize(source, span);
  for (let start = 0; start < keys.length; start += size) {
    source.signal?.throwIfAborted();
    const group = keys.slice(start, start + size);
    const fleet = await fetchSelected(source, span, selectors(SERVICE_SERIES, group), [
      ...selectors(EDGE_SERIES, group, 'client_'),
      ...selectors(EDGE_SERIES, group, 'server_'),
    ]);
    yield { keys: group, fleet };
  }
}

/** Number of services whose history fits into one query. */
function groupSize({ set, config }: PastSource, { fromMs, toMs }: TimeSpan): number {
  const values = columnCount(set.features) * Math.ceil((toMs - fromMs) / config.interval);
  return Math.max(1, Math.floor(MAX_VALUES_PER_QUERY / values));
}

async function fetchSelected(
  { config: { interval, steps, shard }, set, client, signal }: PastSource,
  { fromMs, toMs, exclude = [] }: PastSpan,
  services: readonly string[],
  edges: readonly string[],
): Promise<Fleet> {
  const reach = (steps.at(-1) ?? 0) + 1;
  const fleet = new Fleet(set, interval, Math.ceil((toMs - fromMs) / interval) + reach + 1, shard);
  const start = Math.ceil(fromMs / interval) * interval;
  const fetch = async (selector: string, add: (series: RangeSeries) => void) => {
    await client.queryRange(selector, start, toMs, interval, {
      ...(signal !== undefined && { signal }),
      visit: (series) => add(without(series, exclude)),
    });
  };
  for (const selector of services) await fetch(selector, (series) => fleet.addService(series));
  for (const selector of edges) await fetch(selector, (series) => fleet.addEdge(series));
  return fleet;
}

/** One selector for each namespace of `keys`, by the labels `<prefix>namespace` and `<prefix>service`. */
export function selectors(series: string, keys: readonly string[], prefix = ''): string[] {
  const byNamespace = new Map<string, string[]>();
  for (const { namespace, service } of keys.map(serviceName)) {
    const services = byNamespace.get(namespace) ?? [];
    byNamespace.set(namespace, services);
    services.push(service.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  }
  return [...byNamespace].map(
    ([namespace, services]) =>
      `${series}{${prefix}namespace=${JSON.stringify(namespace)},${prefix}service=~${JSON.stringify(services.join('|'))}}`,
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
