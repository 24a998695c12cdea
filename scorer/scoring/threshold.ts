import { quantile, quantileSorted, robustSpread, sortedFinite } from '../numeric/statistics.ts';

/** Fault-free time stays below this quantile of what it showed. */
export const FAULT_FREE_QUANTILE = 0.997;
/** The tail's distance from the median in robust standard deviations of the logarithm of loudness. */
const TAIL_DEVIATIONS = 3.5;

/** Loudness at a step; steps ascend. */
export interface LoudStep {
  readonly step: number;
  readonly loudness: number;
}

/**
 * A loudness that fault-free time practically never keeps: the fitted tail, and no less than all but three in a thousand of the
 * pairs of neighbouring steps kept, as an alert asks for two in a row. Single wild steps are the service's nature and don't
 * raise the threshold.
 */
export function tailThreshold(steps: readonly LoudStep[]): number {
  return larger(fittedTail(steps.map((at) => at.loudness)), quantile(keptLoudness(steps), FAULT_FREE_QUANTILE));
}

/** The loudness that each pair of neighbouring steps both reached. */
export function keptLoudness(steps: readonly LoudStep[]): number[] {
  return steps.flatMap(({ step, loudness: loud }, index) => {
    const before = steps[index - 1];
    return before?.step === step - 1 ? [Math.min(before.loudness, loud)] : [];
  });
}

/**
 * Loudness is close to log-normal, so its logarithm's median and robust spread extrapolate beyond what a short period has shown.
 */
export function fittedTail(loudnesses: readonly number[]): number {
  const logs = sortedFinite(loudnesses.map(Math.log));
  return Math.exp(quantileSorted(logs, 0.5) + TAIL_DEVIATIONS * robustSpread(logs));
}

/** NaN only when both are. */
export function larger(a: number, b: number): number {
  return Number.isNaN(a) ? b : Math.max(a, Number.isNaN(b) ? a : b);
}
