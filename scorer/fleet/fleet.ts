import { CHANNELS, type Feature, type FeatureSet } from '../features/features.ts';
import { History } from './history.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import { edgeKey, serviceKey } from '../identity/service-key.ts';
import { owns, type ShardPlace, WHOLE_FLEET } from '../identity/shard.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

/**
 * The recent feature values of all services and edges of the call graph, as fetched from Prometheus.
 * A service has a column for each channel and feature, an edge one for each feature.
 */
export class Fleet {
  readonly services = new Map<string, History>();
  readonly edges = new Map<string, History>();
  readonly #set: FeatureSet;
  readonly #intervalMs: number;
  readonly #capacity: number;
  readonly #shard: ShardPlace;
  readonly #featureIndex: ReadonlyMap<string, number>;
  readonly #edgeIndex: ReadonlyMap<string, number>;

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

  /** Removes all services and edges. */
  clear(): void {
    this.services.clear();
    this.edges.clear();
  }

  /** Removes services and edges without a value since `step`; returns the keys of the removed services. */
  forgetBefore(step: number): string[] {
    const gone = [...this.services].filter(([, history]) => (history.newest ?? 0) < step).map(([key]) => key);
    for (const key of gone) this.services.delete(key);
    for (const [key, history] of this.edges) if ((history.newest ?? 0) < step) this.edges.delete(key);
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
      history.put(Math.ceil((timestamps[index] ?? NaN) / this.#intervalMs), column, values[index] ?? NaN);
    }
  }
}

function positions(features: readonly Feature[]): ReadonlyMap<string, number> {
  return new Map(features.map((feature, index) => [feature.name, index]));
}
