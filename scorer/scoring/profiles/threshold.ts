import { type ErrorAt, sustainedErrors, tailOfPairs } from '../../numeric/tail.ts';

/** The raw score at one step. */
export interface StepScore {
  readonly step: number;
  readonly rawScore: number;
}

/**
 * The threshold of raw scores: the tail that fault-free time practically never exceeds for two steps in a row, as an alert
 * requires.
 *
 * @param steps ascending
 * @returns NaN if there are no scores
 */
export function tailThreshold(steps: readonly StepScore[]): number {
  return tailOfPairs(steps.map(asError));
}

/** For each pair of consecutive steps, the raw score that both reached. */
export function sustainedScores(steps: readonly StepScore[]): number[] {
  return sustainedErrors(steps.map(asError));
}

function asError({ step, rawScore }: StepScore): ErrorAt {
  return { step, error: rawScore };
}
