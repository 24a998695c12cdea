import { describe, expect, it } from 'vitest';
import { burdenEvidence, type Requests, type ServiceRequests } from './burden.ts';
import { edge } from './edge.testdata.ts';
import { rankRootCauses, type Suspect } from './root-cause.ts';

const usual = { slower: 0, failing: 0 };
/** A service with some requests per second, whose seconds and failed share are off by as much as given. */
const suspect = (key: string, rate: number, off: Partial<Requests> = {}, evidence = 0): Suspect => {
  const noise = { slower: 0.001 * rate, failing: 0.01 * rate };
  const requests: ServiceRequests = { rate, ...usual, ...off, noise };
  return { key, evidence, requests };
};
const calls = (rate: number, off: Partial<Requests> = {}): Requests => ({ rate, slower: NaN, failing: NaN, ...off });
const first = (...args: Parameters<typeof rankRootCauses>) => rankRootCauses(...args)[0]?.key;

describe('burdenEvidence', () => {
  it('is what a service adds to the waiting of its callers, in units of the largest noise', () => {
    const chain = [
      suspect('front', 10, { slower: 0.3 }),
      suspect('cart', 20, { slower: 0.14 }),
      suspect('db', 40, { slower: 0.05 }),
    ];
    const edges = [edge('front', 'cart', { calls: calls(20) }), edge('cart', 'db', { calls: calls(40) })];
    const found = burdenEvidence(chain, edges, 'slower');
    // The front adds 3 - 2.8, the cart 2.8 - 2 and the database 2 request-seconds per second; its noise of 0.04 is the unit.
    for (const [key, own] of [
      ['front', 0.2],
      ['cart', 0.8],
      ['db', 2],
    ] as const) {
      expect(found.get(key)).toBeCloseTo(Math.log2(1 + own / 0.04), 9);
    }
  });

  it('takes at most what the caller is asked for the calls, where they were not counted', () => {
    const services = [suspect('front', 10, { slower: 0.2 }), suspect('db', 100, { slower: 0.1 })];
    const found = burdenEvidence(services, [edge('front', 'db')], 'slower');
    // 2 request-seconds less 10 calls of 0.1 s.
    expect(found.get('front')).toBeCloseTo(Math.log2(1 + 1 / 0.1), 9);
  });

  it('has the network on the way in what the callers see, against the callee', () => {
    const services = [suspect('front', 10, { slower: 0.1 }), suspect('db', 10)];
    const found = burdenEvidence(services, [edge('front', 'db', { calls: calls(10, { slower: 0.1 }) })], 'slower');
    expect(found.get('front')).toBe(0);
    expect(found.get('db')).toBeCloseTo(Math.log2(1 + 1 / 0.01), 9);
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
    const edges = [edge('front', 'cart', { latency: 90 }), edge('cart', 'db', { latency: 10 })];
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
    const edges = [edge('front', 'search', { latency: 10 }), edge('front', 'gate', { latency: 80 })];
    expect(first(services, edges)).toBe('search');
  });

  it('ranks failures as it ranks waiting', () => {
    const chain = [
      suspect('front', 10, { failing: 0.3 }, 5),
      suspect('cart', 10, { failing: 0.3 }, 4),
      suspect('db', 10, { failing: 0.3 }, 4),
    ];
    expect(first(chain, [edge('front', 'cart'), edge('cart', 'db')])).toBe('db');
  });

  it('takes the waiting for a callee that does not answer off its caller', () => {
    const services = [suspect('front', 10, { slower: 2 }, 9), suspect('dead', 0, { slower: NaN }, 6)];
    expect(first(services, [edge('front', 'dead', { failures: 90 })])).toBe('dead');
  });
});
