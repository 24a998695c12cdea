import { formatBound, series, type HistogramSeries } from './exposition.ts';

/** Layout of `struct histogram` of bpf/shared/histogram.h in 64-bit words: the sum in nanoseconds, then the buckets. */
export const HISTOGRAM_BUCKETS = 23;
export const HISTOGRAM_WORDS = 1 + HISTOGRAM_BUCKETS;
/** The upper bound of the first bucket is 2^-16 s. */
export const FIRST_EXPONENT = -16;

/** Upper bounds in seconds, 2^-16 to 2^5 and +Inf, as `le` values. */
export const BUCKET_BOUNDS: readonly string[] = Array.from({ length: HISTOGRAM_BUCKETS }, (_, index) =>
  index === HISTOGRAM_BUCKETS - 1 ? '+Inf' : formatBound(2 ** (FIRST_EXPONENT + index)),
);

/** Renders the series of a histogram's 25 lines; `labels` come from `renderLabels`. */
export function histogramSeries(name: string, ...labels: readonly string[]): HistogramSeries {
  return {
    buckets: BUCKET_BOUNDS.map((bound) => series(`${name}_bucket`, ...labels, `le="${bound}"`)),
    sum: series(`${name}_sum`, ...labels),
    count: series(`${name}_count`, ...labels),
  };
}

/** Number of durations in the histogram that starts at word `offset`. */
export function histogramCount(words: Float64Array, offset: number): number {
  let count = 0;
  for (let index = 1; index <= HISTOGRAM_BUCKETS; index++) count += words[offset + index] ?? 0;
  return count;
}
