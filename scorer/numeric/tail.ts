import { quantile, quantileSorted, robustSpread, sortedFinite } from './statistics.ts';

/** Fault-free time stays below this quantile of what it showed. */
export const FAULT_FREE_QUANTILE = 0.997;
/** The tail's distance from the median in robust standard deviations of the logarithm. */
const TAIL_DEVIATIONS = 3.1;

/**
 * The upper end of errors that are close to log-normal: median and robust spread of their logarithms extrapolate beyond what a
 * short period has shown.
 */
export function fittedTail(errors: readonly number[]): number {
  const logs = sortedFinite(errors.map(Math.log));
  return Math.exp(quantileSorted(logs, 0.5) + TAIL_DEVIATIONS * robustSpread(logs));
}

/** A quantile of the upper half, and its distance from the median of a normal distribution in standard deviations. */
const UPPER_QUANTILE = 0.95;
const NORMAL_P95 = 1.645;

/**
 * As `fittedTail`, from the upper half alone: squared errors of single values come close to 0 by chance, which spreads their
 * logarithms downwards and says nothing of the upper end.
 */
export function fittedUpperTail(errors: readonly number[]): number {
  const logs = sortedFinite(errors.map(Math.log));
  const middle = quantileSorted(logs, 0.5);
  const spread = (quantileSorted(logs, UPPER_QUANTILE) - middle) / NORMAL_P95;
  return Math.exp(middle + TAIL_DEVIATIONS * spread);
}

/** An error at a step; steps ascend. */
export interface ErrorAt {
  readonly step: number;
  readonly error: number;
}

/**
 * An error that fault-free time practically never keeps: the fitted tail, and no less than all but three in a thousand of the
 * pairs of neighbouring steps kept, as an alert asks for two in a row. Single wild steps are a series' nature and don't raise
 * it.
 */
export function tailOfPairs(errors: readonly ErrorAt[]): number {
  return maxIgnoringNaN(
    fittedTail(errors.map(({ error }) => error)),
    quantile(sustainedErrors(errors), FAULT_FREE_QUANTILE),
  );
}

/** The error that each pair of neighbouring steps both reached. */
export function sustainedErrors(errors: readonly ErrorAt[]): number[] {
  return errors.flatMap(({ step, error }, index) => {
    const before = errors[index - 1];
    return before?.step === step - 1 ? [Math.min(before.error, error)] : [];
  });
}

/** The larger number; NaN only if both are NaN. */
export function maxIgnoringNaN(a: number, b: number): number {
  return Number.isNaN(a) ? b : Math.max(a, Number.isNaN(b) ? a : b);
}
