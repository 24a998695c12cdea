import { assemble } from './assemble.ts';
import { RecentIds } from './recent-ids.ts';
import type { Span, Trace } from './span.ts';

/** Why a span is not in any trace. */
export type DropReason =
  /** It is there already: its sender tried again. */
  | 'duplicate'
  /** Its trace was handed over or dropped before. */
  | 'late'
  /** Its trace was the oldest when the store was full. */
  | 'store_full'
  /** Its trace has the most spans that a trace may have. */
  | 'trace_too_large';

export interface TraceLimits {
  /** A trace is handed over after this long without a new span. Milliseconds. */
  readonly waitMs: number;
  /** And this long after its first span at the latest. */
  readonly maxAgeMs: number;
  readonly maxTraces: number;
  readonly maxSpans: number;
  readonly maxSpansPerTrace: number;
  /** As `spanBytes` estimates it, and half a kilobyte a trace. */
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

/** Of a span without its texts: the object, its numbers, two ids, its place in the map. Measured by `bench -- traces`. */
const SPAN_BYTES = 300;
/** Of a trace: its id, its map, its place among the others. */
const TRACE_BYTES = 500;
/** Ids of traces that are gone are remembered for this many waits, so that what comes late is known as such. */
const REMEMBERED_WAITS = 6;

/** About how much memory a span takes. A character that isn't in Latin-1 makes all of a text two bytes wide. */
export function spanBytes(span: Span): number {
  return SPAN_BYTES + 2 * (span.name.length + (span.url?.length ?? 0));
}

/**
 * Spans by trace, until no more are expected of it. OTLP marks no trace's end, and each process sends its spans when its
 * own batch is due, so that a trace whose tree has no gap may still lack leaves: silence alone ends a trace. Over any bound
 * the oldest traces are dropped. Times are of one clock, which the caller reads.
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

  /** Takes a span, or says why not, which is also told to `onDrop`. */
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

  /** Hands over the traces that nothing was added to for `waitMs`. Each is taken out when it is asked for. */
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
