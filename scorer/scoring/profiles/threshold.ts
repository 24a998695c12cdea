import { quantile, quantileSorted, robustSpread, sortedFinite } from '../../numeric/statistics.ts';

/** Quantile of fault-free values that serves as their upper bound. */
export const FAULT_FREE_QUANTILE = 0.997;
/** Distance of the tail from the median, in robust standard deviations of the log of raw scores. */
const TAIL_DEVIATIONS = 3.5;

/** The raw score at one step. */
export interface StepScore {
  readonly step: number;
  readonly rawScore: number;
}

/**
 * The threshold of raw scores, which fault-free time practically never exceeds for two steps in a row, as an alert
 * requires: the fitted tail, or the 99.7th percentile of the sustained scores if that is larger. Outliers of a single
 * step don't raise the threshold.
 *
 * @param steps ascending
 * @returns NaN if there are no scores
 */
export function tailThreshold(steps: readonly StepScore[]): number {
  const fitted = fittedTail(steps.map(({ rawScore }) => rawScore));
  return maxIgnoringNaN(fitted, quantile(sustainedScores(steps), FAULT_FREE_QUANTILE));
}

/** For each pair of consecutive steps, the raw score that both reached. */
export function sustainedScores(steps: readonly StepScore[]): number[] {
  return steps.flatMap(({ step, rawScore }, index) => {
    const before = steps[index - 1];
    return before?.step === step - 1 ? [Math.min(before.rawScore, rawScore)] : [];
  });
}

/**
 * The upper tail of raw scores. They are approximately log-normal, so the median and robust spread of their logarithms
 * extrapolate beyond the largest score of a short period. NaN without scores.
 */
export function fittedTail(rawScores: readonly number[]): number {
  const logs = sortedFinite(rawScores.map(Math.log));
  return Math.exp(quantileSorted(logs, 0.5) + TAIL_DEVIATIONS * robustSpread(logs));
}

/** The larger number; NaN only if both are NaN. */
export function maxIgnoringNaN(a: number, b: number): number {
  return Number.isNaN(a) ? b : Math.max(a, Number.isNaN(b) ? a : b);
}
