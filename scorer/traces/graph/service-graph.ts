import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReceivedSpan } from '../received-span.ts';
import type { Trace } from '../span.ts';
import { edgeKey, furtherLabels } from '../../identity/service-key.ts';
import { type Call, callsOf } from './calls.ts';

export interface ServiceGraphLimits {
  /** Calls on more edges than this are not counted. An edge has 22 series. */
  readonly maxEdges: number;
  /** An edge without a call for this long is removed. Milliseconds. */
  readonly idleMs: number;
}

const LABELS = [
  'client',
  'server',
  'connection_type',
  'client_k8s_namespace_name',
  'server_k8s_namespace_name',
] as const;
type Labels = Readonly<Record<string, string>>;

/** Seconds, from a call within a node to one that times out. */
const BUCKETS = [0.002, 0.008, 0.032, 0.128, 0.512, 2.048, 8.192];

interface Edge {
  readonly labels: Labels;
  lastMs: number;
}

/**
 * Metrics of the calls in traces. Names and labels are those of Tempo's service graphs and of the Collector's
 * servicegraph connector with `dimensions: [k8s.namespace.name]`, so that dashboards and rules for these work. Unlike
 * there, a duration that no span measured is not observed; there it is 0 s.
 */
export class ServiceGraph {
  readonly #limits: ServiceGraphLimits;
  readonly #edges = new Map<string, Edge>();
  readonly #total: Counter;
  readonly #failed: Counter;
  readonly #server: Histogram;
  readonly #client: Histogram;
  readonly #edgeCount: Gauge;
  readonly #callsDropped: Counter;

  /** @param labels further labels of services, which both ends of a call have in common */
  constructor(limits: ServiceGraphLimits, registry: Registry, labels: readonly string[] = []) {
    this.#limits = limits;
    const common = { labelNames: [...LABELS, ...labels], registers: [registry] };
    this.#total = new Counter({
      ...common,
      name: 'traces_service_graph_request_total',
      help: 'Requests between two services, counted in traces.',
    });
    this.#failed = new Counter({
      ...common,
      name: 'traces_service_graph_request_failed_total',
      help: 'Failed requests between two services, counted in traces.',
    });
    this.#server = new Histogram({
      ...common,
      name: 'traces_service_graph_request_server_seconds',
      help: 'Duration of requests between two services as the server measured it.',
      buckets: BUCKETS,
    });
    this.#client = new Histogram({
      ...common,
      name: 'traces_service_graph_request_client_seconds',
      help: 'Duration of requests between two services as the client measured it.',
      buckets: BUCKETS,
    });
    this.#edgeCount = new Gauge({
      name: 'lorikeet_scorer_trace_edges',
      help: 'Edges of the service graph that is made from traces.',
      registers: [registry],
    });
    this.#callsDropped = new Counter({
      name: 'lorikeet_scorer_trace_calls_dropped_total',
      help: 'Calls in traces that were not counted because the service graph has its maximum number of edges.',
      registers: [registry],
    });
  }

  add(trace: Trace<ReceivedSpan>, nowMs: number): void {
    for (const call of callsOf(trace)) this.#count(call, nowMs);
    this.#edgeCount.set(this.#edges.size);
  }

  /** Removes idle edges and their series. */
  expire(nowMs: number): void {
    for (const [key, { labels, lastMs }] of this.#edges) {
      if (nowMs - lastMs < this.#limits.idleMs) continue;
      this.#edges.delete(key);
      for (const metric of [this.#total, this.#failed, this.#server, this.#client]) metric.remove(labels);
    }
    this.#edgeCount.set(this.#edges.size);
  }

  #count(call: Call, nowMs: number): void {
    const edge = this.#edgeOf(call, nowMs);
    if (edge === undefined) return this.#callsDropped.inc();
    const { labels } = edge;
    this.#total.inc(labels);
    // The series starts at 0, so that the first failure is an increase.
    this.#failed.inc(labels, call.failed ? 1 : 0);
    if (call.serverSeconds !== undefined) this.#server.observe(labels, call.serverSeconds);
    if (call.clientSeconds !== undefined) this.#client.observe(labels, call.clientSeconds);
  }

  #edgeOf({ client, server, connectionType }: Call, nowMs: number): Edge | undefined {
    const key = JSON.stringify([edgeKey(client, server), connectionType]);
    const known = this.#edges.get(key);
    if (known !== undefined) {
      known.lastMs = nowMs;
      return known;
    }
    if (this.#edges.size >= this.#limits.maxEdges) return undefined;
    const labels: Labels = {
      ...furtherLabels(client),
      client: client.service,
      server: server.service,
      connection_type: connectionType,
      client_k8s_namespace_name: client.namespace,
      server_k8s_namespace_name: server.namespace,
    };
    const edge = { labels, lastMs: nowMs };
    this.#edges.set(key, edge);
    return edge;
  }
}
