import { Counter, Gauge, type Registry } from 'prom-client';
import type { StoreSize } from './trace-store.ts';

/** Metrics of the receiver of spans, on the scorer's registry. */
export class TraceMetrics {
  readonly received: Counter;
  readonly dropped: Counter;
  readonly completed: Counter;
  readonly requests: Counter;
  readonly #size: Readonly<Record<keyof StoreSize, Gauge>>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.received = new Counter({
      name: 'lorikeet_scorer_spans_received_total',
      help: 'Spans in readable requests, including those that were dropped.',
      registers,
    });
    this.dropped = new Counter({
      name: 'lorikeet_scorer_spans_dropped_total',
      help: 'Spans that were dropped, by reason: duplicate, invalid, late, store_full, trace_too_large.',
      labelNames: ['reason'],
      registers,
    });
    this.completed = new Counter({
      name: 'lorikeet_scorer_traces_completed_total',
      help: 'Traces handed over. complete is true if the root and all parents had arrived.',
      labelNames: ['complete'],
      registers,
    });
    this.requests = new Counter({
      name: 'lorikeet_scorer_trace_requests_total',
      help: 'OTLP requests by HTTP status.',
      labelNames: ['code'],
      registers,
    });
    const gauge = (name: string, help: string) => new Gauge({ name: `lorikeet_scorer_${name}`, help, registers });
    this.#size = {
      traces: gauge('trace_store_traces', 'Traces that wait for spans.'),
      spans: gauge('trace_store_spans', 'Spans of traces that wait for more.'),
      bytes: gauge('trace_store_bytes', 'Estimated memory of spans of traces that wait for more.'),
    };
    for (const reason of ['duplicate', 'invalid', 'late', 'store_full', 'trace_too_large']) {
      this.dropped.inc({ reason }, 0);
    }
    for (const complete of ['true', 'false']) this.completed.inc({ complete }, 0);
  }

  setSize(size: StoreSize): void {
    this.#size.traces.set(size.traces);
    this.#size.spans.set(size.spans);
    this.#size.bytes.set(size.bytes);
  }
}
