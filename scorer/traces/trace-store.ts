import { assemble } from './assemble.ts';
import { RecentIds } from './recent-ids.ts';
import type { Span, Trace } from './span.ts';

/** The reason why a span is in no trace. */
export type DropReason =
  /** The store has it already: its sender tried again. */
  | 'duplicate'
  /** Its trace was handed over or dropped before. */
  | 'late'
  /** The store was full, and its trace was the oldest. */
  | 'store_full'
  /** Its trace has `maxSpansPerTrace` spans. */
  | 'trace_too_large';

export interface TraceLimits {
  /** A trace is handed over after this long without a new span. Milliseconds. */
  readonly waitMs: number;
  /** A trace is handed over this long after its first span at the latest. Milliseconds. */
  readonly maxAgeMs: number;
  readonly maxTraces: number;
  readonly maxSpans: number;
  readonly maxSpansPerTrace: number;
  /** Estimated: `spanBytes`, and 500 bytes a trace. */
  readonly maxBytes: number;
}

export interface StoreSize {
  readonly traces: number;
  readonly spans: number;
  readonly bytes: number;
}

interface OpenTrace<S> {
  readonly spans: Map<string, S>;
  readonly firstMs: number;
  lastMs: number;
  bytes: number;
}

/** A span without its texts: object, numbers, two ids, map entry. Measured by `bench -- traces`. */
const SPAN_BYTES = 300;
/** A trace: id, map, entry in the store. */
const TRACE_BYTES = 500;
/** Ids of removed traces are remembered for this many waits, to recognise late spans. */
const REMEMBERED_WAITS = 6;

/** Estimated memory of a span. One character beyond Latin-1 makes a whole text two bytes wide. */
export function spanBytes(span: Span): number {
  return SPAN_BYTES + 2 * (span.name.length + (span.url?.length ?? 0));
}

/**
 * Collects spans by trace. OTLP does not mark the end of a trace, and each process sends its spans when its own batch
 * is due, so a trace whose tree has no gap may still lack leaves: only silence ends a trace. Over any bound the oldest
 * traces are dropped. The caller passes the time, all of it from one clock.
 */
export class TraceStore<S extends Span = Span> {
  readonly #limits: TraceLimits;
  readonly #onDrop: (reason: DropReason, spans: number) => void;
  /** The oldest first. */
  readonly #open = new Map<string, OpenTrace<S>>();
  readonly #gone: RecentIds;
  #spans = 0;
  #bytes = 0;

  constructor(limits: TraceLimits, onDrop: (reason: DropReason, spans: number) => void = () => undefined) {
    this.#limits = limits;
    this.#onDrop = onDrop;
    this.#gone = new RecentIds(REMEMBERED_WAITS * limits.waitMs, limits.maxTraces);
  }

  get size(): StoreSize {
    return { traces: this.#open.size, spans: this.#spans, bytes: this.#bytes };
  }

  /** Adds a span. @returns why it was dropped, if it was; `onDrop` is called too. */
  add(span: S, nowMs: number): DropReason | undefined {
    const refused = this.#refusal(span);
    if (refused !== undefined) {
      this.#onDrop(refused, 1);
      return refused;
    }
    const bytes = spanBytes(span);
    const trace = this.#open.get(span.traceId) ?? this.#start(span.traceId, nowMs);
    trace.spans.set(span.spanId, span);
    trace.lastMs = nowMs;
    trace.bytes += bytes;
    this.#spans++;
    this.#bytes += bytes;
    this.#makeRoom();
    return undefined;
  }

  /** Removes and yields, one at a time, the traces without a new span for `waitMs`, and those of `maxAgeMs`. */
  *due(nowMs: number): Generator<Trace<S>, void, undefined> {
    const { waitMs, maxAgeMs } = this.#limits;
    for (const [traceId, trace] of this.#open) {
      if (nowMs - trace.lastMs < waitMs && nowMs - trace.firstMs < maxAgeMs) continue;
      this.#remove(traceId, trace, nowMs);
      yield assemble(trace.spans.values());
    }
  }

  #refusal({ traceId, spanId }: S): DropReason | undefined {
    const trace = this.#open.get(traceId);
    if (trace === undefined) return this.#gone.has(traceId) ? 'late' : undefined;
    if (trace.spans.has(spanId)) return 'duplicate';
    return trace.spans.size >= this.#limits.maxSpansPerTrace ? 'trace_too_large' : undefined;
  }

  #start(traceId: string, nowMs: number): OpenTrace<S> {
    const trace: OpenTrace<S> = { spans: new Map(), firstMs: nowMs, lastMs: nowMs, bytes: TRACE_BYTES };
    this.#open.set(traceId, trace);
    this.#bytes += TRACE_BYTES;
    return trace;
  }

  #makeRoom(): void {
    const { maxTraces, maxSpans, maxBytes } = this.#limits;
    for (const [traceId, trace] of this.#open) {
      if (this.#open.size <= maxTraces && this.#spans <= maxSpans && this.#bytes <= maxBytes) return;
      this.#remove(traceId, trace, trace.lastMs);
      this.#onDrop('store_full', trace.spans.size);
    }
  }

  #remove(traceId: string, trace: OpenTrace<S>, nowMs: number): void {
    this.#open.delete(traceId);
    this.#spans -= trace.spans.size;
    this.#bytes -= trace.bytes;
    this.#gone.add(traceId, nowMs);
  }
}
