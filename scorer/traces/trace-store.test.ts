import { describe, expect, it } from 'vitest';
import { span } from './spans.testdata.ts';
import { type TraceLimits, TraceStore } from './trace-store.ts';

const LIMITS: TraceLimits = {
  waitMs: 10_000,
  maxAgeMs: 60_000,
  maxTraces: 100,
  maxSpans: 1000,
  maxSpansPerTrace: 500,
  maxBytes: 1e6,
};

function store(limits: Partial<TraceLimits> = {}) {
  const dropped: Record<string, number> = {};
  const traces = new TraceStore({ ...LIMITS, ...limits }, (reason, spans) => {
    dropped[reason] = (dropped[reason] ?? 0) + spans;
  });
  const due = (nowMs: number) => [...traces.due(nowMs)].map((trace) => `${trace.traceId}:${trace.spans.length}`);
  return { traces, dropped, due };
}

describe('TraceStore', () => {
  it('hands a trace over once it is quiet, whole or not', () => {
    const { traces, due } = store();
    traces.add(span('leaf', 'root'), 0);
    traces.add(span('only', 'gone', { traceId: 't2' }), 1000);
    traces.add(span('root', undefined), 5000);
    expect(due(10_999)).toEqual([]);
    expect(due(11_000)).toEqual(['t2:1']);
    expect(due(15_000)).toEqual(['t1:2']);
    expect(traces.size).toEqual({ traces: 0, spans: 0, bytes: 0 });
  });

  it('hands over a trace that never becomes quiet at its greatest age', () => {
    const { traces, due } = store();
    for (let i = 0; i < 60; i++) traces.add(span(`s${i}`, undefined), i * 1000);
    expect(due(59_999)).toEqual([]);
    expect(due(60_000)).toEqual(['t1:60']);
  });

  it('takes a span once, however often it is sent', () => {
    const { traces, dropped } = store();
    expect(traces.add(span('a', undefined), 0)).toBeUndefined();
    expect(traces.add(span('a', undefined), 1)).toBe('duplicate');
    expect(traces.size.spans).toBe(1);
    expect(dropped).toEqual({ duplicate: 1 });
  });

  it('knows a late span for six waits', () => {
    const { traces, due, dropped } = store();
    traces.add(span('a', undefined), 0);
    due(10_000);
    expect(traces.add(span('b', 'a'), 20_000)).toBe('late');
    traces.add(span('c', undefined, { traceId: 't2' }), 80_000);
    due(90_000);
    expect(traces.add(span('b', 'a'), 90_000)).toBe('late');
    traces.add(span('c', undefined, { traceId: 't3' }), 150_000);
    due(160_000);
    expect(traces.add(span('b', 'a'), 160_000)).toBeUndefined();
    expect(dropped).toEqual({ late: 2 });
  });

  it.each<[string, Partial<TraceLimits>, { traces: number; spans: number }]>([
    ['traces', { maxTraces: 3 }, { traces: 3, spans: 6 }],
    ['spans', { maxSpans: 7 }, { traces: 3, spans: 6 }],
    ['bytes', { maxBytes: 4 * 500 + 5 * 308 }, { traces: 3, spans: 6 }],
  ])('drops the oldest traces over the bound of %s', (_name, limits, size) => {
    const { traces, dropped } = store(limits);
    for (const id of ['t1', 't2', 't3', 't4']) {
      traces.add(span('a', undefined, { traceId: id, name: 'name' }), 0);
    }
    for (const id of ['t1', 't2', 't3', 't4']) traces.add(span('b', 'a', { traceId: id, name: 'name' }), 1);
    expect(traces.size).toMatchObject(size);
    expect((dropped['store_full'] ?? 0) + (dropped['late'] ?? 0) + size.spans).toBe(8);
  });

  it('bounds one trace', () => {
    const { traces, dropped } = store({ maxSpansPerTrace: 3 });
    for (let i = 0; i < 10; i++) traces.add(span(`s${i}`, undefined), 0);
    expect(traces.size.spans).toBe(3);
    expect(dropped).toEqual({ trace_too_large: 7 });
  });
});
