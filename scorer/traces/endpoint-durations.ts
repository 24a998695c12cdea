import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { instanceKey, type ServiceName } from '../identity/service-key.ts';
import { OperationNames } from './operation.ts';
import type { Span, Trace } from './span.ts';

export interface EndpointLimits {
  /** Endpoints with series of their own; those beyond are `other`, one for each service. An endpoint is 13 series. */
  readonly maxEndpoints: number;
  /** An endpoint without a request for this long is forgotten. Milliseconds. */
  readonly idleMs: number;
}

const LABELS = ['namespace', 'service', 'endpoint'] as const;
type Labels = ServiceName & { readonly endpoint: string };

export interface EndpointOptions {
  /** Further labels of services. Default: none. */
  readonly labels?: readonly string[];
  readonly names?: OperationNames;
}

/** Seconds: from an answer out of memory to one that times out. */
const BUCKETS = [0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384];

/** Endpoint of the requests that found the limit reached. */
export const OTHER_ENDPOINT = 'other';

interface Endpoint {
  readonly labels: Labels;
  lastMs: number;
}

/** Response times by endpoint, from the server spans of traces. */
export class EndpointDurations {
  readonly #limits: EndpointLimits;
  readonly #names: OperationNames;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #duration: Histogram;
  readonly #count: Gauge;
  readonly #overflowed: Counter;

  constructor(
    limits: EndpointLimits,
    registry: Registry,
    { labels = [], names = new OperationNames() }: EndpointOptions = {},
  ) {
    this.#limits = limits;
    this.#names = names;
    this.#duration = new Histogram({
      name: 'lorikeet_endpoint_request_duration_seconds',
      help: 'Duration of requests by endpoint, from server spans.',
      labelNames: [...LABELS, ...labels],
      buckets: BUCKETS,
      registers: [registry],
    });
    this.#count = new Gauge({
      name: 'lorikeet_scorer_trace_endpoints',
      help: 'Endpoints with response times from traces.',
      registers: [registry],
    });
    this.#overflowed = new Counter({
      name: 'lorikeet_scorer_trace_endpoint_overflows_total',
      help: 'Requests counted as the endpoint "other" because there is the maximum number of endpoints.',
      registers: [registry],
    });
  }

  add({ spans }: Trace, nowMs: number): void {
    for (const span of spans) {
      if (span.kind !== 'server') continue;
      this.#duration.observe(this.#endpointOf(span, nowMs).labels, span.durationMs / 1000);
    }
    this.#count.set(this.#endpoints.size);
  }

  /** Forgets endpoints that nobody requests any more, with their series. */
  expire(nowMs: number): void {
    for (const [key, { labels, lastMs }] of this.#endpoints) {
      if (nowMs - lastMs < this.#limits.idleMs) continue;
      this.#endpoints.delete(key);
      this.#duration.remove(labels);
    }
    this.#count.set(this.#endpoints.size);
  }

  #endpointOf(span: Span, nowMs: number): Endpoint {
    const labels = { ...span.service, endpoint: this.#names.of(span) };
    const known = this.#find(labels, nowMs);
    if (known !== undefined) return known;
    if (this.#endpoints.size < this.#limits.maxEndpoints) return this.#start(labels, nowMs);
    this.#overflowed.inc();
    const other = { ...labels, endpoint: OTHER_ENDPOINT };
    return this.#find(other, nowMs) ?? this.#start(other, nowMs);
  }

  #find(labels: Labels, nowMs: number): Endpoint | undefined {
    const known = this.#endpoints.get(keyOf(labels));
    if (known !== undefined) known.lastMs = nowMs;
    return known;
  }

  #start(labels: Labels, nowMs: number): Endpoint {
    const endpoint = { labels, lastMs: nowMs };
    this.#endpoints.set(keyOf(labels), endpoint);
    return endpoint;
  }
}

function keyOf({ endpoint, ...service }: Labels): string {
  return instanceKey(service, endpoint);
}
