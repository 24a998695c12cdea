import { median, quantile } from '../scorer/numeric/statistics.ts';

/** Summary of repeated measurements. */
export interface Summary {
  readonly median: number;
  readonly p99: number;
}

/** Rounded. NaN without values. */
export function summarize(values: readonly number[]): Summary {
  return { median: round(median(values)), p99: round(quantile(values, 0.99)) };
}

export function round(value: number, digits = 1): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
