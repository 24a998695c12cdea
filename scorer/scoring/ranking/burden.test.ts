import { describe, expect, it } from 'vitest';
import { burdenEvidence, type ServiceRequests } from './burden.ts';
import { type CallEdge, rankRootCauses, type Suspect } from './root-cause.ts';
import { edge } from './edge.testdata.ts';

const usual = { slower: 0, failing: 0 };
/** A service with some requests per second, whose seconds and failed share are off by as much as given. */
const suspect = (key: string, rate: number, off: Partial<ServiceRequests> = {}, evidence = 0): Suspect => {
  const noise = { slower: 0.001 * rate, failing: 0.01 * rate };
  const requests: ServiceRequests = { rate, ...usual, ...off, noise };
  return { key, evidence, requests };
};
/** An edge of a call graph, whose calls nobody counts. */
const graph = (client: string, server: string, seen: Partial<CallEdge> = {}) =>
  edge(client, server, { counted: false, ...seen });
const first = (...args: Parameters<typeof rankRootCauses>) => rankRootCauses(...args)[0]?.key;

describe('burdenEvidence', () => {
  it('is what a service adds to the waiting of its callers, in units of the largest noise', () => {
    const chain = [
      suspect('front', 10, { slower: 0.3 }),
      suspect('cart', 10, { slower: 0.28 }),
      suspect('db', 40, { slower: 0.2 }),
    ];
    const found = burdenEvidence(chain, [graph('front', 'cart'), graph('cart', 'db')], 'slower');
    // The front adds 3 - 2.8, the cart 2.8 - 2 and the database 8 request-seconds per second; its noise of 0.04 is the unit.
    for (const [key, own] of [
      ['front', 0.2],
      ['cart', 0.8],
      ['db', 8],
    ] as const) {
      expect(found.get(key)).toBeCloseTo(Math.log2(1 + own / 0.04), 9);
    }
  });

  it('takes at most what the caller is asked for the calls', () => {
    const services = [suspect('front', 10, { slower: 0.2 }), suspect('db', 100, { slower: 0.1 })];
    const found = burdenEvidence(services, [graph('front', 'db')], 'slower');
    // 2 request-seconds less 10 calls of 0.1 s.
    expect(found.get('front')).toBeCloseTo(Math.log2(1 + 1 / 0.1), 9);
  });

  it('is left to the callers where calls are counted', () => {
    const services = ['front', 'db', 'gate'].map((key) => suspect(key, 10, { slower: 0.1 }));
    const found = burdenEvidence(services, [edge('front', 'db'), graph('gate', 'db')], 'slower');
    expect([...found.keys()]).toEqual(['gate']);
  });

  it('does not measure in the noise of a busy service that does not suffer', () => {
    const slow = suspect('db', 1, { slower: 0.5 });
    const alone = burdenEvidence([slow], [], 'slower').get('db');
    expect(burdenEvidence([slow, suspect('busy', 10_000)], [], 'slower').get('db')).toBe(alone);
    const suffering = suspect('busy', 10_000, { slower: 0.01 });
    expect(burdenEvidence([slow, suffering], [], 'slower').get('db')).toBeLessThan(alone ?? 0);
  });

  it('is unknown of a service that did not answer, and nothing where all is faster', () => {
    const found = burdenEvidence(
      [suspect('dead', 0, { slower: NaN }), suspect('quick', 9, { slower: -1 })],
      [],
      'slower',
    );
    expect([...found]).toEqual([['quick', 0]]);
  });
});

describe('rankRootCauses with known requests', () => {
  it('ranks the end of a chain before the middle, however far each is off', () => {
    const chain = [
      suspect('front', 10, { slower: 0.51 }, 9),
      suspect('cart', 10, { slower: 0.505 }, 9),
      suspect('db', 10, { slower: 0.5 }, 7),
    ];
    const edges = [graph('front', 'cart', { latency: 90 }), graph('cart', 'db', { latency: 5 })];
    expect(first(chain, edges)).toBe('db');
    // By the worst edges alone the middle stands out.
    expect(
      first(
        chain.map(({ key, evidence }) => ({ key, evidence })),
        edges,
      ),
    ).toBe('cart');
  });

  it('ranks the service that many wait for before one that few call, though that is further off', () => {
    const services = [
      suspect('front', 50, { slower: 0.02 }, 2),
      suspect('search', 50, { slower: 0.02 }, 3),
      suspect('gate', 0.2, { slower: 0.5 }, 4),
    ];
    const edges = [graph('front', 'search', { latency: 10 }), graph('front', 'gate', { latency: 80 })];
    expect(first(services, edges)).toBe('search');
  });

  it('ranks failures as it ranks waiting', () => {
    const chain = [
      suspect('front', 10, { failing: 0.3 }, 5),
      suspect('cart', 10, { failing: 0.3 }, 4),
      suspect('db', 10, { failing: 0.3 }, 4),
    ];
    expect(first(chain, [graph('front', 'cart'), graph('cart', 'db')])).toBe('db');
  });

  it('takes the waiting for a callee that does not answer off its caller', () => {
    const services = [suspect('front', 10, { slower: 2 }, 9), suspect('dead', 0, { slower: NaN }, 6)];
    expect(first(services, [graph('front', 'dead', { failures: 90 })])).toBe('dead');
  });
});
