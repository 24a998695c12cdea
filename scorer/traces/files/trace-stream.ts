import type { Span, Trace } from '../span.ts';
import { type DropReason, type TraceLimits, TraceStore } from '../trace-store.ts';

/** Spans of a recording may be out of order by two minutes. */
export const RECORDING_LIMITS: TraceLimits = {
  waitMs: 120_000,
  maxAgeMs: 3_600_000,
  maxTraces: 200_000,
  maxSpans: 1_000_000,
  maxSpansPerTrace: 100_000,
  maxBytes: 1024 * 1024 * 1024,
};

const SWEEP_MS = 1000;

/**
 * Traces of recorded spans. The clock is the recording's: the latest end of any span so far. Memory is bounded by
 * `limits`; `onDrop` is called for spans that the bounds cost.
 */
export async function* streamTraces<S extends Span>(
  spans: AsyncIterable<S>,
  limits: TraceLimits = RECORDING_LIMITS,
  onDrop?: (reason: DropReason, spans: number) => void,
): AsyncGenerator<Trace<S>, void, undefined> {
  const store = new TraceStore<S>(limits, onDrop);
  let nowMs = 0;
  let sweptMs = 0;
  for await (const span of spans) {
    nowMs = Math.max(nowMs, span.startMs + span.durationMs);
    store.add(span, nowMs);
    if (nowMs - sweptMs < SWEEP_MS) continue;
    sweptMs = nowMs;
    yield* store.due(nowMs);
  }
  yield* store.due(Infinity);
}
