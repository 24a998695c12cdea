import { histogramCount } from '../scrape/histogram.ts';

/** `struct late_requests` of bpf/shared/requests.h. */
export const LATE_WORDS = 2;

/**
 * Number of requests: those with a duration, in the histogram at word `durations`, and those whose response has begun
 * and is not known to be complete, at word `late`.
 */
export function requestCount(words: Float64Array, durations: number, late: number): number {
  return histogramCount(words, durations) + (words[late] ?? 0) - (words[late + 1] ?? 0);
}
