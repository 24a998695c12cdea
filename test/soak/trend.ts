import { normalDistribution } from '../../scorer/detectors/sequence/threshold.ts';

/** How a series of measurements develops. */
export interface Trend {
  /** Median of the slopes between any two of them, a step (Theil and Sen). */
  readonly slope: number;
  /** Probability that measurements without a trend rise as much (Mann and Kendall, one-sided, corrected for ties). */
  readonly chance: number;
}

/** @param values at equal distances, ten or more */
export function trendOf(values: readonly number[]): Trend {
  const slopes: number[] = [];
  let balance = 0;
  for (const [at, value] of values.entries()) {
    for (let before = 0; before < at; before++) {
      const rise = value - (values[before] ?? NaN);
      slopes.push(rise / (at - before));
      balance += Math.sign(rise);
    }
  }
  slopes.sort((a, b) => a - b);
  const spread = (n: number) => (n * (n - 1) * (2 * n + 5)) / 18;
  const ties = new Map<number, number>();
  for (const value of values) ties.set(value, (ties.get(value) ?? 0) + 1);
  const variance = spread(values.length) - [...ties.values()].reduce((sum, tied) => sum + spread(tied), 0);
  const z = variance === 0 ? 0 : (balance - Math.sign(balance)) / Math.sqrt(variance);
  return { slope: slopes[slopes.length >> 1] ?? 0, chance: normalDistribution(-z) };
}

/** Above this, a rise is put down to chance. */
const CHANCE = 0.01;

/** True if the values rise by more than chance has it, and by more than `least` from the first to the last. */
export function isRising(values: readonly number[], least: number): boolean {
  const { slope, chance } = trendOf(values);
  return chance < CHANCE && slope * (values.length - 1) > least;
}
