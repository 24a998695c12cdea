/** A stretch of time in milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** How much of `whole` at least one of the intervals covers. */
export function covered(intervals: readonly Interval[], whole: Interval): number {
  let total = 0;
  let end = whole.from;
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const start = Math.max(from, end);
    const stop = Math.min(to, whole.to);
    if (stop > start) total += stop - start;
    end = Math.max(end, stop);
  }
  return total;
}
