import { CHANNELS, type Feature, type FeatureSet } from '../features/features.ts';
import { History } from './history.ts';
import { RejectedSeries } from './rejected-series.ts';
import { Sources } from './sources.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import { Identity } from '../identity/identity.ts';
import { edgeKey, instanceKey, instanceName, podKey, serviceKey } from '../identity/service-key.ts';
import { owns, type ShardPlace, WHOLE_FLEET } from '../identity/shard.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

/** Reports values that fill a gap at a step that was fetched before. */
export interface GapWatch {
  /** The last step that was fetched before. */
  readonly until: number;
  readonly onFilled: (timestampMs: number) => void;
}

/** The labels of each kind of series, beside those of the identity. */
const LABELS = {
  services: ['namespace', 'service', 'feature', 'channel'],
  edges: ['client_namespace', 'client_service', 'server_namespace', 'server_service', 'feature'],
  pod: ['namespace', 'service', 'pod', 'feature'],
  endpoint: ['namespace', 'service', 'endpoint', 'feature'],
} as const;
type Kind = keyof typeof LABELS;

/** Bounds on the memory, far above the fleets that a scorer can score in an interval. */
export const MAX_OF = { services: 50_000, edges: 200_000, instances: 500_000 } as const;

/**
 * The recent feature values of all services, edges of the call graph, pods and endpoints, as fetched from Prometheus.
 * A service has a column for each channel and feature, the others one for each feature.
 */
export class Fleet {
  readonly services = new Map<string, History>();
  readonly edges = new Map<string, History>();
  /** By `instanceKey` of namespace, service and pod; likewise endpoints. */
  readonly pods = new Map<string, History>();
  readonly endpoints = new Map<string, History>();
  /** The version that a pod runs, by `podKey`. */
  readonly versions = new Map<string, string>();
  /** For the series that are added next. */
  gapWatch: GapWatch | undefined;
  readonly rejected = new RejectedSeries();
  readonly set: FeatureSet;
  readonly #intervalMs: number;
  readonly #capacity: number;
  readonly #shard: ShardPlace;
  readonly #identity: Identity;
  readonly #sources: Readonly<Record<Kind, Sources>>;
  readonly #featureIndex: ReadonlyMap<string, number>;
  readonly #edgeIndex: ReadonlyMap<string, number>;
  readonly #podIndex: ReadonlyMap<string, number>;
  readonly #endpointIndex: ReadonlyMap<string, number>;

  /**
   * @param capacity steps kept per service and edge
   * @param shard services of other shards are ignored, and edges between two of those
   * @param identity which labels of series say whose they are
   */
  constructor(
    set: FeatureSet,
    intervalMs: number,
    capacity: number,
    shard: ShardPlace = WHOLE_FLEET,
    identity: Identity = new Identity(),
  ) {
    this.set = set;
    this.#intervalMs = intervalMs;
    this.#capacity = capacity;
    this.#shard = shard;
    this.#identity = identity;
    const sourcesOf = (kind: Kind) => new Sources([...LABELS[kind], ...identity.labels]);
    this.#sources = {
      services: sourcesOf('services'),
      edges: sourcesOf('edges'),
      pod: sourcesOf('pod'),
      endpoint: sourcesOf('endpoint'),
    };
    this.#featureIndex = positions(set.features);
    this.#edgeIndex = positions(set.edges);
    this.#podIndex = positions(set.pods);
    this.#endpointIndex = positions(set.endpoints);
  }

  /** Adds one series of a service's feature. */
  addService(series: RangeSeries): void {
    const { labels } = series;
    const feature = this.#featureIndex.get(labels['feature'] ?? '');
    const channel = CHANNELS.findIndex((name) => name === labels['channel']);
    if (feature === undefined || channel < 0) return this.rejected.add('unknown_feature', labels);
    const name = this.#identity.service(labels);
    if (name === undefined) return this.rejected.add('no_identity', labels);
    if (!owns(this.#shard, name)) return;
    if (this.#identity.isPartial(name)) this.rejected.addPartial(labels);
    const history = this.#history(this.services, serviceKey(name), columnCount(this.set.features), MAX_OF.services);
    if (history === undefined) return this.rejected.add('too_many', labels);
    this.#fill(history, columnIndex(this.set.features, channel, feature), series, 'services');
  }

  /** Adds one series of an edge's feature. */
  addEdge(series: RangeSeries): void {
    const { labels } = series;
    const feature = this.#edgeIndex.get(labels['feature'] ?? '');
    if (feature === undefined) return this.rejected.add('unknown_feature', labels);
    const ends = this.#identity.edge(labels);
    if (ends === undefined) return this.rejected.add('no_identity', labels);
    const { client, server } = ends;
    if (!owns(this.#shard, client) && !owns(this.#shard, server)) return;
    const history = this.#history(this.edges, edgeKey(client, server), this.set.edges.length, MAX_OF.edges);
    if (history === undefined) return this.rejected.add('too_many', labels);
    this.#fill(history, feature, series, 'edges');
  }

  /** Adds one series of a pod's feature. */
  addPod(series: RangeSeries): void {
    this.#addInstance(this.pods, this.#podIndex, series, 'pod');
  }

  /** Adds the version of a pod. Its labels are those of kube-state-metrics: the service isn't among them. */
  addVersion({ labels }: RangeSeries): void {
    const { namespace, pod, version } = labels;
    if (!namespace || !pod || !version) return this.rejected.add('no_identity', labels);
    if (this.versions.size >= MAX_OF.instances) return this.rejected.add('too_many', labels);
    this.versions.set(podKey(this.#identity.place(labels), pod), version);
  }

  /** Adds one series of an endpoint's feature. */
  addEndpoint(series: RangeSeries): void {
    this.#addInstance(this.endpoints, this.#endpointIndex, series, 'endpoint');
  }

  #addInstance(
    into: Map<string, History>,
    index: ReadonlyMap<string, number>,
    series: RangeSeries,
    label: 'pod' | 'endpoint',
  ): void {
    const { labels } = series;
    const feature = index.get(labels['feature'] ?? '');
    if (feature === undefined) return this.rejected.add('unknown_feature', labels);
    const name = this.#identity.service(labels);
    const instance = labels[label];
    if (name === undefined || !instance) return this.rejected.add('no_identity', labels);
    if (!owns(this.#shard, name)) return;
    const history = this.#history(into, instanceKey(name, instance), index.size, MAX_OF.instances);
    if (history === undefined) return this.rejected.add('too_many', labels);
    this.#fill(history, feature, series, label);
  }

  /** Removes everything. */
  clear(): void {
    for (const of of [this.services, this.edges, this.pods, this.endpoints, this.versions]) of.clear();
  }

  /** Removes services and edges without a value since `step`; returns the keys of the removed services. */
  forgetBefore(step: number): string[] {
    const gone = [...this.services].filter(([, history]) => (history.newest ?? 0) < step).map(([key]) => key);
    for (const key of gone) this.services.delete(key);
    for (const of of [this.edges, this.pods, this.endpoints]) {
      for (const [key, history] of of) if ((history.newest ?? 0) < step) of.delete(key);
    }
    if (this.versions.size === 0) return gone;
    const names = [...this.pods.keys()].map(instanceName);
    const pods = new Set(names.map((name) => podKey(name, name.instance)));
    for (const key of this.versions.keys()) if (!pods.has(key)) this.versions.delete(key);
    return gone;
  }

  /** Undefined if there are `max` others. */
  #history(of: Map<string, History>, key: string, width: number, max: number): History | undefined {
    let history = of.get(key);
    if (history === undefined && of.size < max) of.set(key, (history = new History(width, this.#capacity)));
    return history;
  }

  /** A step covers the interval that ends with it; the latest of several samples in it counts. */
  #fill(history: History, column: number, { labels, timestamps, values }: RangeSeries, kind: Kind): void {
    const source = this.#sources[kind].of(labels);
    let twice = false;
    for (let index = 0; index < timestamps.length; index++) {
      const [timestampMs, value] = [timestamps[index] ?? NaN, values[index] ?? NaN];
      const step = Math.ceil(timestampMs / this.#intervalMs);
      const watched = this.gapWatch !== undefined && step <= this.gapWatch.until;
      const isGap = watched && Number.isNaN(history.get(step, column));
      if (!history.put(step, column, value, source)) twice = true;
      // A step that is refused stays a gap.
      if (isGap && !Number.isNaN(history.get(step, column))) this.gapWatch?.onFilled(timestampMs);
    }
    if (twice) this.rejected.add('duplicate', labels);
  }
}

function positions(features: readonly Feature[]): ReadonlyMap<string, number> {
  return new Map(features.map((feature, index) => [feature.name, index]));
}
