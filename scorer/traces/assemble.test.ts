import { describe, expect, it } from 'vitest';
import { assemble } from './assemble.ts';
import type { Span } from './span.ts';
import { service, span } from './spans.testdata.ts';

const ids = (spans: readonly Span[]) => spans.map(({ spanId }) => spanId).join(' ');

describe('assemble', () => {
  it('orders spans by start and parents before children', () => {
    const trace = assemble([
      span('leaf', 'child', { startMs: 5 }),
      span('second', 'root', { startMs: 7 }),
      span('child', 'root', { startMs: 5 }),
      span('root', undefined, { startMs: 5, durationMs: 20 }),
    ]);
    expect(ids(trace.spans)).toBe('root child leaf second');
    expect(trace.root?.spanId).toBe('root');
    expect(trace.complete).toBe(true);
  });

  it.each<[string, Span[], string | undefined]>([
    ['a root that is missing', [span('a', 'gone')], undefined],
    ['a parent that is missing', [span('root', undefined), span('a', 'gone')], 'root'],
    ['two roots', [span('late', undefined, { startMs: 3 }), span('early', undefined)], 'early'],
    ['its own parent', [span('root', undefined), span('a', 'a')], 'root'],
    ['a circle', [span('root', undefined), span('a', 'b'), span('b', 'a')], 'root'],
    ['nothing but a circle', [span('a', 'b'), span('b', 'a')], undefined],
  ])('calls %s incomplete and keeps all spans', (_name, spans, root) => {
    const trace = assemble(spans);
    expect(trace.complete).toBe(false);
    expect(trace.root?.spanId).toBe(root);
    expect(trace.spans).toHaveLength(spans.length);
  });

  it('follows a chain of a hundred thousand spans', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => span(`s${i}`, i === 0 ? undefined : `s${i - 1}`));
    expect(assemble(chain).complete).toBe(true);
  });
});

describe('clock skew', () => {
  const call = { kind: 'client', startMs: 100, durationMs: 30 } as const;
  const answer = { kind: 'server', service: service('b'), durationMs: 10 } as const;
  const starts = (spans: Span[]) => Object.fromEntries(assemble(spans).spans.map((s) => [s.spanId, s.startMs]));

  it.each<[string, Partial<Span>, number]>([
    ['fits: it stays', { startMs: 105 }, 105],
    ['fits exactly: it stays', { startMs: 120 }, 120],
    ['starts before the call: it is centred', { startMs: 40 }, 110],
    ['ends after the call: it is centred', { startMs: 121 }, 110],
    ['is longer than the call, which gave up: it stays', { startMs: 101, durationMs: 50 }, 101],
    ['is longer and starts before: it starts with the call', { startMs: 40, durationMs: 50 }, 100],
    ['is no server span: it stays', { startMs: 40, kind: 'internal' }, 40],
    ['is the same service by another pod: it is centred', { startMs: 40, service: service('a') }, 110],
  ])('a span below a call that %s', (_name, more, startMs) => {
    expect(starts([span('call', undefined, call), span('answer', 'call', { ...answer, ...more })])['answer']).toBe(
      startMs,
    );
  });

  it('moves what follows along, and the next host against that', () => {
    const spans = [
      span('call', undefined, call),
      span('answer', 'call', { ...answer, startMs: 1110 }),
      span('work', 'answer', { service: service('b'), startMs: 1112, durationMs: 2 }),
      span('next', 'answer', { service: service('b'), kind: 'client', startMs: 1115, durationMs: 4 }),
      span('last', 'next', { service: service('c'), kind: 'server', startMs: 0, durationMs: 2 }),
    ];
    expect(starts(spans)).toEqual({ call: 100, answer: 110, work: 112, next: 115, last: 116 });
  });

  it('leaves messages alone', () => {
    const spans = [
      span('send', undefined, { kind: 'producer', startMs: 100 }),
      span('receive', 'send', { kind: 'consumer', service: service('b'), startMs: 5000 }),
      span('serve', 'send', { kind: 'server', service: service('b'), startMs: 5000 }),
    ];
    expect(starts(spans)).toEqual({ send: 100, receive: 5000, serve: 5000 });
  });
});
