import { describe, expect, it } from 'vitest';
import { principalComponents, project } from './pca.ts';

describe('principalComponents', () => {
  it('finds the axes of a hand-made cloud and keeps the fewest that hold the share', async () => {
    // Variance 9 along (1, 1) / sqrt 2, 1 along (1, -1) / sqrt 2, around (10, 20).
    const rows = [
      [3, 0],
      [-3, 0],
      [0, 1],
      [0, -1],
    ].map(([along = 0, across = 0]) => [10 + along + across, 20 + along - across]);
    const one = await principalComponents(rows, 0.9);
    expect(one.mean).toEqual(Float64Array.of(10, 20));
    expect(one.axes).toHaveLength(1);
    expect(Math.abs(one.axes[0]?.[0] ?? 0)).toBeCloseTo(Math.SQRT1_2, 9);
    expect([...project(one, [14, 20])].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([12, 22]);
    const both = await principalComponents(rows, 0.95);
    expect([...project(both, [14, 20])].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([14, 20]);
  });
});
