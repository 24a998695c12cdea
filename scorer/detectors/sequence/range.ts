import type { Feature } from '../../features/features.ts';

/** The range of one column's values in training, kept to scale what comes later. */
export interface ColumnRange {
  readonly min: number;
  readonly max: number;
}

/** Values farther than this many standard deviations from the mean aren't learned from. */
const CLEAN_DEVIATIONS = 3;
/** A range is at least this share of its largest value: what hardly moves has no other measure of a change that matters. */
const MIN_RANGE_SHARE = 0.1;

/** `values` without those beyond three standard deviations of their mean, which become NaN. */
export function withoutOutliers(values: Float64Array): Float64Array {
  let [count, sum, squares] = [0, 0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
    squares += value * value;
  }
  const mean = sum / count;
  const bound = CLEAN_DEVIATIONS * Math.sqrt(Math.max(0, squares / count - mean * mean));
  return values.map((value) => (Math.abs(value - mean) > bound ? NaN : value));
}

/**
 * Smallest and largest value; the range is widened where it is below the feature's floor or a tenth of its largest value.
 *
 * @returns undefined when no value is finite
 */
export function learnRange({ floor }: Pick<Feature, 'floor'>, values: Float64Array): ColumnRange | undefined {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) return undefined;
  const least = Math.max(floor, MIN_RANGE_SHARE * Math.max(Math.abs(min), Math.abs(max)), Number.MIN_VALUE);
  return { min, max: Math.max(max, min + least) };
}

/** 0 at the smallest value of training, 1 at the largest; beyond them it goes on linearly. */
export function toRange(value: number, { min, max }: ColumnRange): number {
  return (value - min) / (max - min);
}
