import { formatBound, series, type Exposition, type Series } from './exposition.ts';

/** Layout of `struct histogram` of bpf/shared/histogram.h in 64-bit words: the sum in nanoseconds, then the buckets. */
export const HISTOGRAM_BUCKETS = 23;
export const HISTOGRAM_WORDS = 1 + HISTOGRAM_BUCKETS;
export const FIRST_EXPONENT = -16;

const NANOSECONDS = 1e9;

/** Upper bounds in seconds, 2^-16 to 2^5 and +Inf, as `le` values. */
export const BUCKET_BOUNDS: readonly string[] = Array.from({ length: HISTOGRAM_BUCKETS }, (_, index) =>
  index === HISTOGRAM_BUCKETS - 1 ? '+Inf' : formatBound(2 ** (FIRST_EXPONENT + index)),
);

/** The series of one histogram. */
export interface HistogramSeries {
  readonly buckets: readonly Series[];
  readonly sum: Series;
  readonly count: Series;
}

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

/** Writes the histogram that starts at word `offset`, with cumulative buckets and the sum in seconds. */
export function writeHistogram(out: Exposition, lines: HistogramSeries, words: Float64Array, offset: number): void {
  let count = 0;
  for (let index = 0; index < HISTOGRAM_BUCKETS; index++) {
    count += words[offset + 1 + index] ?? 0;
    out.sample(lines.buckets[index] as Series, count);
  }
  out.sample(lines.sum, (words[offset] ?? 0) / NANOSECONDS);
  out.sample(lines.count, count);
}
