import { describe, expect, it } from 'vitest';
import { edge } from './edge.testdata.ts';
import { edgeEvidence, rankRootCauses } from './root-cause.ts';

const order = (...args: Parameters<typeof rankRootCauses>) => rankRootCauses(...args).map(({ key }) => key);

describe('rankRootCauses', () => {
  it('is empty when there is nobody to suspect', () => {
    expect(rankRootCauses([], [edge('a', 'b', { latency: 1 })])).toEqual([]);
  });

  it('adds bits: its own once, callers twice, both less what the callees explain', () => {
    const suspects = [
      { key: 'a', evidence: 2 },
      { key: 'b', evidence: 1 },
      { key: 'c', evidence: 0 },
    ];
    // In units of an edge's noise a -> b is 4 and b -> c is 2: b's bits are 1 / 2 + 2 (2 - 1), c's 2 and a's 2 / 4.
    const edges = [edge('a', 'b', { latency: 4 * 2.576 }), edge('b', 'c', { latency: 2 * 2.576 })];
    const ranked = rankRootCauses(suspects, edges);
    expect(ranked.map(({ key, rank }) => [key, rank])).toEqual([
      ['b', 1],
      ['c', 2],
      ['a', 3],
    ]);
    const weights = [2 ** 2.5 - 1, 2 ** 2 - 1, 2 ** 0.5 - 1];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [index, weight] of weights.entries()) expect(ranked[index]?.blame).toBeCloseTo(weight / total, 9);
  });

  it('follows slow edges from the callers to the slow callee, however large the residuals of the callers', () => {
    const suspects = [
      { key: 'front', evidence: 9 },
      { key: 'cart', evidence: 6 },
      { key: 'db', evidence: 3 },
    ];
    const edges = [edge('front', 'cart', { latency: 60 }), edge('cart', 'db', { latency: 90 }), edge('front', 'ads')];
    const ranked = rankRootCauses(suspects, edges);
    expect(ranked[0]).toMatchObject({ key: 'db', rank: 1 });
    expect(ranked.reduce((sum, { blame }) => sum + blame, 0)).toBeCloseTo(1, 9);
    expect(ranked.map(({ rank }) => rank)).toEqual(ranked.map((_, index) => index + 1));
  });

  it('halves what a service says of itself with each bit of the worst call that it waits for', () => {
    const suspects = [
      { key: 'front', evidence: 8 },
      { key: 'cart', evidence: 0 },
    ];
    const bits = (...latencies: number[]) => {
      const edges = latencies.map((latency, index) => edge('front', `callee-${index}`, { latency: 2.576 * latency }));
      return rankRootCauses(suspects, edges, (key) => key === 'front')[0]?.bits;
    };
    expect(bits()).toBe(8);
    expect(bits(1)).toBe(8);
    expect(bits(2)).toBeCloseTo(4, 9);
    expect(bits(2, 8)).toBeCloseTo(1, 9);
  });

  it('does not blame the callee that is only asked less', () => {
    const suspects = [
      { key: 'front', evidence: 3 },
      { key: 'cart', evidence: 4 },
      { key: 'db', evidence: 0 },
    ];
    expect(order(suspects, [edge('front', 'cart', { latency: 40 }), edge('cart', 'db')])[0]).toBe('cart');
  });

  it('blames a dead callee that its callers fail to reach, even without a score of its own', () => {
    const suspects = [{ key: 'front', evidence: 2 }];
    expect(order(suspects, [edge('front', 'cart', { failures: 80 })])[0]).toBe('cart');
  });

  it('blames a lone service for itself', () => {
    expect(order([{ key: 'ads', evidence: 2 }], [edge('front', 'ads', { latency: 1 })])).toEqual(['ads']);
  });

  it('ranks two services that call each other by their own evidence', () => {
    const suspects = [
      { key: 'a', evidence: 1 },
      { key: 'b', evidence: 4 },
    ];
    const ranked = rankRootCauses(suspects, [edge('a', 'b', { latency: 30 }), edge('b', 'a', { latency: 30 })]);
    expect(ranked[0]?.key).toBe('b');
    expect(ranked.reduce((sum, { blame }) => sum + blame, 0)).toBeCloseTo(1, 9);
  });
});

describe('edgeEvidence', () => {
  it('is nothing for noise, for a faster edge and for unknown values', () => {
    expect(edgeEvidence(edge('a', 'b', { latency: 2.5, failures: 2, responses: -2.5 }))).toBe(0);
    expect(edgeEvidence(edge('a', 'b', { latency: -50 }))).toBe(0);
    expect(edgeEvidence(edge('a', 'b', { latency: NaN, failures: NaN, responses: NaN }))).toBe(0);
  });
});
