import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';

const draw = (count: number, from: () => number) => Array.from({ length: count }, from);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('createRandom', () => {
  it('repeats its sequence for a seed and differs between seeds', () => {
    const sequence = (seed: number) => {
      const random = createRandom(seed);
      return draw(5, () => random.next());
    };
    expect(sequence(7)).toEqual(sequence(7));
    expect(sequence(7)).not.toEqual(sequence(8));
  });

  it('stays in [0, 1) with the moments of a uniform variable', () => {
    const random = createRandom(1);
    const values = draw(20_000, () => random.next());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(mean(values)).toBeCloseTo(0.5, 1);
    expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1 / 3, 1);
  });

  it('has the moments of the normal, exponential and log-normal distributions', () => {
    const random = createRandom(2);
    const normal = draw(20_000, () => random.normal());
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(mean(normal.map((value) => value ** 2))).toBeCloseTo(1, 1);
    expect(mean(draw(20_000, () => random.exponential(4)))).toBeCloseTo(4, 0);
    const logNormal = draw(20_001, () => random.logNormal(10, 0.5)).sort((a, b) => a - b);
    expect(logNormal[10_000]).toBeCloseTo(10, 0);
  });

  it('picks every item and shuffles without losing one', () => {
    const random = createRandom(3);
    expect(new Set(draw(200, () => random.pick([1, 2, 3])!))).toEqual(new Set([1, 2, 3]));
    expect(random.pick([])).toBeUndefined();
    const items = draw(50, () => random.next());
    const shuffled = random.shuffle(items);
    expect(shuffled).not.toEqual(items);
    expect(new Set(shuffled)).toEqual(new Set(items));
    expect(shuffled).toHaveLength(items.length);
  });
});
