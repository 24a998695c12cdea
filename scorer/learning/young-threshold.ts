import type { Reconstructor } from '../detectors/reconstructor.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { evenly } from '../numeric/evenly.ts';
import { quantile } from '../numeric/statistics.ts';
import { errorsOver, stepScores } from '../scoring/profiles/error-rows.ts';
import { learnProfile } from '../scoring/profiles/learn-profile.ts';
import type { Prior } from '../scoring/profiles/prior.ts';
import { sustainedScores } from '../scoring/profiles/threshold.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import type { ServicePast } from './history/clean.ts';

/** Quantile of fault-free raw scores of new services that sets their threshold. */
const QUANTILE = 0.999;
/** Factor on the threshold, because a new service isn't one of those that the threshold is learned from. */
const MARGIN = 1.6;
/** Number of services to learn the threshold from. */
const SAMPLE_SERVICES = 30;
/**
 * Steps over which a new profile is evaluated, as a multiple of the steps it was learned from: by then it is renewed.
 */
const EVALUATED_SPAN = 2;

/**
 * The threshold of a new service, which has learned from `youngSteps` steps only: as high as these services would have
 * needed it when they were new, at least the prior's.
 *
 * @param youngSteps minimum time of learning, steps
 * @returns raw score at which the score is 1
 */
export async function youngThreshold(
  shape: TensorShape,
  services: readonly ServicePast[],
  youngSteps: number,
  model: Reconstructor,
  prior: Prior,
): Promise<number> {
  const rawScores: number[] = [];
  for (const service of evenly(services, SAMPLE_SERVICES)) {
    rawScores.push(...(await scoresWhenNew(shape, service, youngSteps, model, prior)));
  }
  const threshold = MARGIN * quantile(rawScores, QUANTILE);
  return Number.isFinite(threshold) ? Math.max(threshold, prior.threshold) : prior.threshold;
}

/**
 * The sustained raw scores of a service's fault-free history as if the service were new all along: with profiles
 * learned from the `youngSteps` steps before. The median of so short a period is off by as much as the load changes
 * afterwards.
 */
async function scoresWhenNew(
  shape: TensorShape,
  { history, from: first, to: last, days: wholeDays }: ServicePast,
  youngSteps: number,
  model: Reconstructor,
  prior: Prior,
): Promise<number[]> {
  const rawScores: number[] = [];
  const days = (wholeDays * youngSteps) / (last - first + 1);
  for (let from = first; from + 2 * youngSteps <= last; from += youngSteps) {
    const to = from + youngSteps - 1;
    const profile = await learnProfile(shape, history, { from, to, days }, model, prior);
    const evaluated = stepsBetween(to + 1, Math.min(last, to + EVALUATED_SPAN * youngSteps));
    const rows = await errorsOver(shape, history, evaluated, profile.scalings, model);
    rawScores.push(...sustainedScores(stepScores(shape, rows, profile)));
  }
  return rawScores;
}
