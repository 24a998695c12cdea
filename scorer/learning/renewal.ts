import type { Profile } from '../scoring/profiles/profile.ts';
import type { ScorerConfig } from '../config.ts';
import { type FleetModel } from './store/model-store.ts';
import { modelPaths } from '../paths.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * True if a service is due to be learned at `step`. A profile is renewed when it is as old as the history it was
 * learned from, at most `learning.every`: a new service is learned after 15 minutes, 30 minutes and an hour. Until it has seen
 * a whole day, with all the loads of one, it is renewed whenever it can grow by a quarter, at most once an hour.
 */
export function needsRenewal(
  profile: Profile | undefined,
  step: number,
  { interval, learning }: ScorerConfig,
): boolean {
  if (profile === undefined) return true;
  const learnedFrom = (profile.to - profile.from + 1) * interval;
  const age = (step - profile.to) * interval;
  const young = Math.min(learnedFrom, Math.max(HOUR, learnedFrom / 4));
  return age >= Math.min(learnedFrom < DAY ? young : learnedFrom, learning.every);
}

/**
 * True if a model that fits is due to be trained again at `timeMs`. Only models trained on this installation's history
 * age. The base model doesn't: it holds only what services have in common, and their differences are in the profiles,
 * which are renewed anyway.
 */
export function needsRetraining(model: FleetModel, timeMs: number, config: ScorerConfig): boolean {
  return model.path !== modelPaths(config).base && timeMs - model.trainedToMs >= config.learning.retrain;
}
