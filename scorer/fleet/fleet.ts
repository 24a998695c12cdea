import { CHANNELS, type Feature, type FeatureSet } from '../features/features.ts';
import { History } from './history.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import { edgeKey, instanceKey, instanceName, podKey, serviceKey } from '../identity/service-key.ts';
import { owns, type ShardPlace, WHOLE_FLEET } from '../identity/shard.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

/** Reports values that fill a gap at a step that was fetched before. */
export interface GapWatch {
  /** The last step that was fetched before. */
  readonly until: number;
  readonly onFilled: (timestampMs: number) => void;
}

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
  readonly #set: FeatureSet;
  readonly #intervalMs: number;
  readonly #capacity: number;
  readonly #shard: ShardPlace;
  readonly #featureIndex: ReadonlyMap<string, number>;
  readonly #edgeIndex: ReadonlyMap<string, number>;
  readonly #podIndex: ReadonlyMap<string, number>;
  readonly #endpointIndex: ReadonlyMap<string, number>;

  /**
   * @param capacity steps kept per service and edge
   * @param shard services of other shards are ignored, and edges between two of those
   */
  constructor(set: FeatureSet, intervalMs: number, capacity: number, shard: ShardPlace = WHOLE_FLEET) {
    this.#set = set;
    this.#intervalMs = intervalMs;
    this.#capacity = capacity;
    this.#shard = shard;
    this.#featureIndex = positions(set.features);
    this.#edgeIndex = positions(set.edges);
    this.#podIndex = positions(set.pods);
    this.#endpointIndex = positions(set.endpoints);
  }

  /** Adds one series of a service's feature; ignores unknown features. */
  addService({ labels, timestamps, values }: RangeSeries): void {
    const feature = this.#featureIndex.get(labels['feature'] ?? '');
    const channel = CHANNELS.findIndex((name) => name === labels['channel']);
    const { namespace, service } = labels;
    if (feature === undefined || channel < 0 || namespace === undefined || service === undefined) return;
    if (!owns(this.#shard, { namespace, service })) return;
    const width = columnCount(this.#set.features);
    const history = this.#history(this.services, serviceKey({ namespace, service }), width);
    this.#fill(history, columnIndex(this.#set.features, channel, feature), timestamps, values);
  }

  /** Adds one series of an edge's feature; ignores unknown features. */
  addEdge({ labels, timestamps, values }: RangeSeries): void {
    const feature = this.#edgeIndex.get(labels['feature'] ?? '');
    const client = { namespace: labels['client_namespace'] ?? '', service: labels['client_service'] ?? '' };
    const server = { namespace: labels['server_namespace'] ?? '', service: labels['server_service'] ?? '' };
    if (feature === undefined || client.service === '' || server.service === '') return;
    if (!owns(this.#shard, client) && !owns(this.#shard, server)) return;
    const history = this.#history(this.edges, edgeKey(client, server), this.#set.edges.length);
    this.#fill(history, feature, timestamps, values);
  }

  /** Adds one series of a pod's feature. */
  addPod(series: RangeSeries): void {
    this.#addInstance(this.pods, this.#podIndex, series, 'pod');
  }

  /** Adds the version of a pod. Its labels are those of kube-state-metrics: the service isn't among them. */
  addVersion({ labels: { namespace, pod, version } }: RangeSeries): void {
    if (namespace === undefined || pod === undefined || version === undefined) return;
    this.versions.set(podKey(namespace, pod), version);
  }

  /** Adds one series of an endpoint's feature. */
  addEndpoint(series: RangeSeries): void {
    this.#addInstance(this.endpoints, this.#endpointIndex, series, 'endpoint');
  }

  #addInstance(
    into: Map<string, History>,
    index: ReadonlyMap<string, number>,
    { labels, timestamps, values }: RangeSeries,
    label: 'pod' | 'endpoint',
  ): void {
    const feature = index.get(labels['feature'] ?? '');
    const { namespace, service, [label]: instance } = labels;
    if (feature === undefined || namespace === undefined || service === undefined || instance === undefined) return;
    if (!owns(this.#shard, { namespace, service })) return;
    const history = this.#history(into, instanceKey({ namespace, service }, instance), index.size);
    this.#fill(history, feature, timestamps, values);
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
    const pods = new Set([...this.pods.keys()].map(instanceName).map((name) => podKey(name.namespace, name.instance)));
    for (const key of this.versions.keys()) if (!pods.has(key)) this.versions.delete(key);
    return gone;
  }

  #history(of: Map<string, History>, key: string, width: number): History {
    let history = of.get(key);
    if (history === undefined) of.set(key, (history = new History(width, this.#capacity)));
    return history;
  }

  /** A step covers the interval that ends with it; the latest of several samples in it counts. */
  #fill(history: History, column: number, timestamps: Float64Array, values: Float64Array): void {
    for (let index = 0; index < timestamps.length; index++) {
      const [timestampMs, value] = [timestamps[index] ?? NaN, values[index] ?? NaN];
      const step = Math.ceil(timestampMs / this.#intervalMs);
      if (this.gapWatch !== undefined && step <= this.gapWatch.until && Number.isFinite(value)) {
        if (Number.isNaN(history.get(step, column))) this.gapWatch.onFilled(timestampMs);
      }
      history.put(step, column, value);
    }
  }
}

function positions(features: readonly Feature[]): ReadonlyMap<string, number> {
  return new Map(features.map((feature, index) => [feature.name, index]));
}
