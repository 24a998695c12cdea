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

/** As `quantileSorted`, for finite values in any order; others are left out. */
export function quantile(values: Iterable<number>, share: number): number {
  return quantileSorted(sortedFinite(values), share);
}

export function median(values: Iterable<number>): number {
  return quantile(values, 0.5);
}

/** The finite ones of `values`, ascending. */
export function sortedFinite(values: Iterable<number>): Float64Array {
  return Float64Array.from([...values].filter(Number.isFinite)).sort();
}

/** Distance of a normal distribution's 10th and 90th percentile in standard deviations. */
const NORMAL_P10_P90 = 2.563;

/** A standard deviation that a tenth of outliers on either side can't move: (p90 - p10) / 2.563. */
export function robustSpread(sorted: ArrayLike<number>): number {
  return (quantileSorted(sorted, 0.9) - quantileSorted(sorted, 0.1)) / NORMAL_P10_P90;
}

/** The mean of the `count` largest finite values; NaN when there is none. */
export function meanOfLargest(values: ArrayLike<number>, count: number): number {
  const largest = Array.from(values)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)
    .slice(0, count);
  return largest.reduce((sum, value) => sum + value, 0) / largest.length;
}

/** One in a hundred of a normal distribution's values lies farther than this many deviations from its mean. */
export const NORMAL_P99 = 2.576;
