import { z } from 'zod';
import { quantile } from '../../numeric/statistics.ts';
import { FAULT_FREE_QUANTILE, fittedUpperTail } from '../../numeric/tail.ts';

/** How the threshold of a subject follows from its errors on fault-free windows. */
export const THRESHOLD_METHODS = ['gaussian', 'percentile', 'tail'] as const;
export type ThresholdMethod = (typeof THRESHOLD_METHODS)[number];

/** The fault-free errors of one subject: the error that is the threshold and, for `gaussian`, their distribution. */
export const errorModelSchema = z.strictObject({
  threshold: z.number().positive(),
  gaussian: z.strictObject({ mean: z.number(), deviation: z.number().nonnegative() }).optional(),
});
export type ErrorModel = z.output<typeof errorModelSchema>;

export interface ThresholdOptions {
  readonly method: ThresholdMethod;
  /** One-sided confidence of the Gaussian, or the quantile of the percentile, 0..1. */
  readonly confidence: number;
}

/** An error below this is rounding. */
const MIN_ERROR = 1e-9;

/**
 * Fits the fault-free errors.
 *
 * `gaussian`: mean and standard deviation; the threshold is the one-sided quantile `confidence`.
 * `percentile`: the threshold is the quantile `confidence` of the errors.
 * `tail`: the upper half of the errors is close to log-normal, so that it extrapolates beyond what a short time has shown; no
 * less than the 99.7th percentile.
 *
 * @returns undefined without errors
 */
export function fitErrors(errors: readonly number[], { method, confidence }: ThresholdOptions): ErrorModel | undefined {
  const finite = errors.filter(Number.isFinite).map((error) => Math.max(MIN_ERROR, error));
  if (finite.length === 0) return undefined;
  if (method === 'gaussian') {
    const gaussian = moments(finite);
    return { gaussian, threshold: gaussian.mean + normalQuantile(confidence) * gaussian.deviation };
  }
  const percentile = quantile(finite, method === 'percentile' ? confidence : FAULT_FREE_QUANTILE);
  return { threshold: method === 'percentile' ? percentile : Math.max(percentile, fittedUpperTail(finite)) };
}

/**
 * How probable it is that an error is none of fault-free time, 0..1: by the fitted Gaussian, or else the error in thresholds,
 * up to 1.
 */
export function anomalyProbability(error: number, { threshold, gaussian }: ErrorModel): number {
  if (gaussian === undefined) return Math.min(1, error / threshold);
  if (gaussian.deviation === 0) return error > gaussian.mean ? 1 : 0;
  return normalDistribution((error - gaussian.mean) / gaussian.deviation);
}

/** Of finite values; NaN without any. The deviation is that of the population. */
export function moments(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** The standard normal distribution, by Abramowitz and Stegun 7.1.26; its error is below 1.5e-7. */
export function normalDistribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = (polynomial * Math.exp((-x * x) / 2)) / 2;
  return x > 0 ? 1 - upper : upper;
}

/** The inverse of `normalDistribution`, by bisection to 1e-9. */
export function normalQuantile(share: number): number {
  let [low, high] = [-10, 10];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
