import { describe, expect, it } from 'vitest';
import { Random } from '../../scorer/numeric/random.ts';
import { isRising, trendOf } from './trend.ts';

const noise = (seed: number, slope: number) => {
  const random = new Random(seed);
  return Array.from({ length: 30 }, (_, at) => 100 + slope * at + random.normal());
};

describe('trendOf', () => {
  it('is that of a line', () => {
    const { slope, chance } = trendOf(Array.from({ length: 10 }, (_, at) => 3 * at));
    expect(slope).toBe(3);
    // S = 45, variance 125: z = 44 / 11.18 = 3.935.
    expect(chance).toBeCloseTo(0.0000415, 6);
  });

  it('is none where nothing changes', () =>
    expect(trendOf(Array<number>(10).fill(5))).toEqual({ slope: 0, chance: expect.closeTo(0.5, 6) as number }));

  it('corrects for ties', () => {
    // Of ten pairs, seven rise and three are equal.
    const variance = (5 * 4 * 15 - 3 * 2 * 11) / 18;
    const z = (7 - 1) / Math.sqrt(variance);
    expect(trendOf([1, 1, 1, 2, 3]).chance).toBeCloseTo(tail(z), 6);
  });
});

describe('isRising', () => {
  it('sees a rise under noise, and takes noise for none', () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    expect(seeds.filter((seed) => isRising(noise(seed, 0.3), 2)).length).toBe(40);
    expect(seeds.filter((seed) => isRising(noise(seed, 0), 2)).length).toBe(0);
    expect(seeds.filter((seed) => isRising(noise(seed, -0.3), 2)).length).toBe(0);
  });

  it('leaves a rise that is too small to matter', () => expect(isRising(noise(1, 0.3), 20)).toBe(false));
});

/** The normal distribution's upper tail by Simpson's rule. */
function tail(z: number): number {
  const [steps, end] = [4000, 10];
  const width = (end - z) / steps;
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(z) + density(end);
  for (let at = 1; at < steps; at++) sum += (at % 2 === 1 ? 4 : 2) * density(z + at * width);
  return (sum * width) / 3;
}
