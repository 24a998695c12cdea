import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { History } from '../fleet/history.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { errorsOver, loudSteps } from '../scoring/error-rows.ts';
import { learnProfile, type LearningRange } from '../scoring/learn-profile.ts';
import type { Prior } from '../scoring/prior.ts';
import { keptLoudness } from '../scoring/threshold.ts';
import type { TensorShape } from '../tensor/tensor.ts';

/** How many times the time it learned from a young profile is judged over: by then it is renewed. */
const YOUNG_SPAN = 2;

/**
 * Loudness that fault-free time kept for two steps, as profiles judge it that were learned from `youngSteps` alone, which is what a
 * service that was just added has. The centre of so short a time is off by as much as the load has moved since.
 */
export async function youngLoudness(
  shape: TensorShape,
  history: History,
  { from: first, to: last }: LearningRange,
  youngSteps: number,
  model: Reconstructor,
  prior: Prior,
): Promise<number[]> {
  const loudnesses: number[] = [];
  for (let from = first; from + 2 * youngSteps <= last; from += youngSteps) {
    const to = from + youngSteps - 1;
    const profile = await learnProfile(shape, history, { from, to }, model, prior);
    const judged = stepsBetween(to + 1, Math.min(last, to + YOUNG_SPAN * youngSteps));
    const rows = await errorsOver(shape, history, judged, profile.scalings, model);
    loudnesses.push(...keptLoudness(loudSteps(shape, rows, profile)));
  }
  return loudnesses;
}
