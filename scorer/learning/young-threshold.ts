import type { Reconstructor } from '../detectors/reconstructor.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { evenly } from '../numeric/evenly.ts';
import { quantile } from '../numeric/statistics.ts';
import { errorsOver, loudSteps } from '../scoring/error-rows.ts';
import { learnProfile } from '../scoring/learn-profile.ts';
import type { Prior } from '../scoring/prior.ts';
import { keptLoudness } from '../scoring/threshold.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import type { ServicePast } from './clean.ts';

/** A new service's fault-free windows exceed its threshold this rarely, */
const YOUNG_QUANTILE = 0.999;
/** and it isn't one of the fleet that this was learned from. */
const YOUNG_MARGIN = 1.6;
/** This many services show how loud young ones are: each of them is judged as young all along its history. */
const YOUNG_SERVICES = 30;
/** How many times the time it learned from a young profile is judged over: by then it is renewed. */
const YOUNG_SPAN = 2;

/**
 * The threshold of a service that has learned from `youngSteps` only, as these services would have needed it; at least the
 * prior's.
 */
export async function youngThreshold(
  shape: TensorShape,
  services: readonly ServicePast[],
  youngSteps: number,
  model: Reconstructor,
  prior: Prior,
): Promise<number> {
  const loudnesses: number[] = [];
  for (const service of evenly(services, YOUNG_SERVICES)) {
    loudnesses.push(...(await youngLoudness(shape, service, youngSteps, model, prior)));
  }
  const threshold = YOUNG_MARGIN * quantile(loudnesses, YOUNG_QUANTILE);
  return Number.isFinite(threshold) ? Math.max(threshold, prior.threshold) : prior.threshold;
}

/**
 * Loudness that fault-free time kept for two steps, as profiles judge it that were learned from `youngSteps` alone, which is what a
 * service that was just added has. The centre of so short a time is off by as much as the load has moved since.
 */
async function youngLoudness(
  shape: TensorShape,
  { history, from: first, to: last }: ServicePast,
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
