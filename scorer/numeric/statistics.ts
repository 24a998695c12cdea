/**
 * The `share`-quantile of `sorted` (ascending) by linear interpolation between order statistics
 * (Hyndman and Fan's type 7). NaN for an empty array.
 */
export function quantileSorted(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low + (high - low) * (position - below);
}

/** Like `quantileSorted`, for values in any order; ignores values that aren't finite. */
export function quantile(values: Iterable<number>, share: number): number {
  return quantileSorted(sortedFinite(values), share);
}

export function median(values: Iterable<number>): number {
  return quantile(values, 0.5);
}

/** The finite values, ascending. */
export function sortedFinite(values: Iterable<number>): Float64Array {
  return Float64Array.from([...values].filter(Number.isFinite)).sort();
}

/** Distance between the 10th and the 90th percentile of a normal distribution, in standard deviations. */
const NORMAL_P10_P90 = 2.563;

/** A standard deviation robust against 10 % of outliers on either side: (p90 - p10) / 2.563. */
export function robustSpread(sorted: ArrayLike<number>): number {
  return (quantileSorted(sorted, 0.9) - quantileSorted(sorted, 0.1)) / NORMAL_P10_P90;
}

/** The mean of the `count` largest finite values; NaN if there are none. */
export function meanOfLargest(values: ArrayLike<number>, count: number): number {
  const largest = Array.from(values)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)
    .slice(0, count);
  return largest.reduce((sum, value) => sum + value, 0) / largest.length;
}

/** Two-sided 99th percentile of a normal distribution, in standard deviations. */
export const NORMAL_P99 = 2.576;

/** A value as a share of the sum of all, 0..1. */
export interface IndexedShare {
  readonly index: number;
  readonly share: number;
}

/** The `count` largest shares of the sum, largest first; values that aren't finite are left out. Empty if the sum is 0. */
export function largestShares(values: ArrayLike<number>, count: number): IndexedShare[] {
  const total = Array.from(values)
    .filter(Number.isFinite)
    .reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return [];
  return Array.from(values, (value, index) => ({ index, share: value / total }))
    .filter(({ share }) => Number.isFinite(share))
    .sort((a, b) => b.share - a.share)
    .slice(0, count);
}
