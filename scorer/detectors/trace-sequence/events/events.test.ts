import { describe, expect, it } from 'vitest';
import { assemble } from '../../../traces/assemble.ts';
import type { Span } from '../../../traces/span.ts';
import { service, span } from '../../../traces/spans.testdata.ts';
import type { EventSpan } from './call-tree.ts';
import { type EventOrder, EventReader } from './events.ts';

const server = (name: string, more: Partial<EventSpan> = {}) =>
  ({ ...more, kind: 'server', service: service(name) }) as const;
const client = (name: string, more: Partial<EventSpan> = {}) =>
  ({ ...more, kind: 'client', service: service(name) }) as const;

function read(spans: readonly EventSpan[], order: EventOrder = 'tree') {
  return new EventReader(order).read(assemble(spans))?.events;
}

const keys = (spans: readonly EventSpan[], order?: EventOrder) =>
  read(spans, order)?.map(({ representative, failed }) => `${representative.key}${failed ? '!' : ''}`);

/** A call of `from` to `to`: the ids of its spans are `<id>c` and `<id>`. */
function call(id: string, parent: string, from: string, to: string, startMs: number, durationMs = 10): Span[] {
  return [
    span(`${id}c`, parent, client(from, { startMs, durationMs, name: 'HTTP' })),
    span(id, `${id}c`, server(to, { startMs: startMs + 1, durationMs: durationMs - 2 })),
  ];
}

const root = span('root', undefined, server('front', { durationMs: 100 }));

describe('events of a trace', () => {
  it('are source, destination and function; a call and its server are one', () => {
    const spans = [
      root,
      span('work', 'root', { ...service('x'), service: service('front') }),
      ...call('a', 'work', 'front', 'cart', 5),
    ];
    expect(keys(spans)).toEqual([
      'client>shop/front GET /root',
      'shop/front>shop/front GET /work',
      'shop/front>shop/cart GET /a',
    ]);
  });

  it('failed when either span of a call failed', () => {
    const spans = [
      root,
      ...call('a', 'root', 'front', 'cart', 5).map((of) => ({ ...of, failed: of.kind === 'client' })),
    ];
    expect(keys(spans)).toEqual(['client>shop/front GET /root', 'shop/front>shop/cart GET /a!']);
  });

  it.each([
    [undefined, 'shop/front>shop/front GET /a'],
    [{ name: 'payment', database: false }, 'shop/front>shop/payment GET /a'],
    [{ name: 'payment:8080', database: false }, 'shop/front>shop/payment GET /a'],
    [{ name: 'payment.other.svc.cluster.local', database: false }, 'shop/front>other/payment GET /a'],
    [{ name: 'api.stripe.com', database: false }, 'shop/front>external/api.stripe.com GET /a'],
    [{ name: '10.1.2.3:80', database: false }, 'shop/front>external/address GET /a'],
  ])('a call that nobody answers goes to its peer %j', (peer, expected) => {
    expect(keys([root, { ...span('a', 'root', client('front')), peer }])?.[1]).toBe(expected);
  });

  it('are in order of the tree, or of their starts', () => {
    const spans = [
      root,
      ...call('a', 'root', 'front', 'cart', 5, 30),
      ...call('b', 'root', 'front', 'ads', 10, 10),
      ...call('c', 'a', 'cart', 'stock', 12, 10),
    ];
    expect(keys(spans, 'start')?.slice(1)).toEqual([
      'shop/front>shop/cart GET /a',
      'shop/front>shop/ads GET /b',
      'shop/cart>shop/stock GET /c',
    ]);
    expect(keys(spans, 'tree')?.slice(1)).toEqual([
      'shop/front>shop/ads GET /b',
      'shop/front>shop/cart GET /a',
      'shop/cart>shop/stock GET /c',
    ]);
  });

  it('keep the order of calls that wait for each other', () => {
    const spans = [root, ...call('z', 'root', 'front', 'x', 5, 10), ...call('a', 'root', 'front', 'x', 15, 10)];
    expect(keys(spans)?.slice(1)).toEqual(['shop/front>shop/x GET /z', 'shop/front>shop/x GET /a']);
  });

  it("have the service's own time and the time on the way", () => {
    const spans = [
      root,
      span('work', 'root', { service: service('front'), startMs: 1, durationMs: 90 }),
      ...call('a', 'work', 'front', 'cart', 5, 30),
      ...call('b', 'work', 'front', 'ads', 20, 30),
      ...call('late', 'root', 'front', 'mail', 95, 500),
      span('file', 'root', client('front', { startMs: 92, durationMs: 2 })),
      { ...span('sql', 'root', client('front', { startMs: 94, durationMs: 1 })), peer: { name: 'db', database: true } },
    ];
    const events = read(spans)!;
    const times = Object.fromEntries(
      events.map(({ representative, ownMs, wayMs }) => [representative.key.split(' ').at(-1), [ownMs, wayMs]]),
    );
    expect(times).toEqual({
      '/root': [100 - 45 - 5 - 1, NaN],
      '/work': [NaN, NaN],
      '/a': [28, 2],
      '/b': [28, 2],
      '/late': [498, 2],
      '/file': [NaN, NaN],
      '/sql': [1, NaN],
    });
  });

  it('are none of a trace with gaps', () => {
    expect(read([root, span('a', 'gone')])).toBeUndefined();
  });

  it('survive a child that starts before its parent', () => {
    expect(keys([root, span('b', 'a', { startMs: 1 }), span('a', 'root', { startMs: 2 })], 'tree')).toHaveLength(3);
    const events = read([root, span('b', 'a', { startMs: 1 }), span('a', 'root', { startMs: 2 })], 'start')!;
    expect(events.map(({ parent }) => parent)).toEqual([-1, 2, 0]);
  });
});
