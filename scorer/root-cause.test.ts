import { describe, expect, it } from 'vitest';
import { type CallEdge, edgeTrouble, rankRootCauses } from './root-cause.ts';

const edge = (client: string, server: string, seen: Partial<CallEdge> = {}): CallEdge => ({
  client,
  server,
  latency: 0,
  failures: 0,
  answers: 0,
  ...seen,
});
const order = (...args: Parameters<typeof rankRootCauses>) => rankRootCauses(...args).map(({ key }) => key);

describe('rankRootCauses', () => {
  it('is empty while nobody is anomalous', () => {
    expect(rankRootCauses([{ key: 'a', score: 0.3, trouble: 0.3 }], [edge('a', 'b', { latency: 50 })])).toEqual([]);
  });

  it('follows slow edges from the callers to the slow callee, however loud the callers are', () => {
    const suspects = [
      { key: 'front', score: 9, trouble: 9 },
      { key: 'cart', score: 6, trouble: 6 },
      { key: 'db', score: 3, trouble: 3 },
    ];
    const edges = [edge('front', 'cart', { latency: 60 }), edge('cart', 'db', { latency: 90 }), edge('front', 'ads')];
    const ranked = rankRootCauses(suspects, edges);
    expect(ranked[0]).toMatchObject({ key: 'db', rank: 1 });
    expect(ranked.reduce((sum, { blame }) => sum + blame, 0)).toBeCloseTo(1, 9);
    expect(ranked.map(({ rank }) => rank)).toEqual(ranked.map((_, index) => index + 1));
  });

  it('does not blame the callee that is only asked less', () => {
    const suspects = [
      { key: 'front', score: 3, trouble: 3 },
      { key: 'cart', score: 4, trouble: 4 },
      { key: 'db', score: 5, trouble: 0 },
    ];
    expect(order(suspects, [edge('front', 'cart', { latency: 40 }), edge('cart', 'db')])[0]).toBe('cart');
  });

  it('blames a dead callee that its callers fail to reach, even without a score of its own', () => {
    const suspects = [{ key: 'front', score: 3, trouble: 2 }];
    expect(order(suspects, [edge('front', 'cart', { failures: 80 })])[0]).toBe('cart');
  });

  it('blames a lone service for itself', () => {
    expect(order([{ key: 'ads', score: 2, trouble: 2 }], [edge('front', 'ads', { latency: 1 })])).toEqual(['ads']);
  });

  it('ends on a cycle of calls', () => {
    const suspects = [
      { key: 'a', score: 2, trouble: 1 },
      { key: 'b', score: 2, trouble: 4 },
    ];
    const ranked = rankRootCauses(suspects, [edge('a', 'b', { latency: 30 }), edge('b', 'a', { latency: 30 })]);
    expect(ranked[0]?.key).toBe('b');
    expect(ranked.reduce((sum, { blame }) => sum + blame, 0)).toBeCloseTo(1, 9);
  });
});

describe('edgeTrouble', () => {
  it('is nothing for noise, for a faster edge and for unknown values', () => {
    expect(edgeTrouble(edge('a', 'b', { latency: 3, failures: 2, answers: -3 }))).toBe(0);
    expect(edgeTrouble(edge('a', 'b', { latency: -50 }))).toBe(0);
    expect(edgeTrouble(edge('a', 'b', { latency: NaN, failures: NaN, answers: NaN }))).toBe(0);
  });
});
