import type { Profile } from '../scoring/profiles/profile.ts';
import type { ScorerConfig } from '../config.ts';
import { type FleetModel } from './store/model-store.ts';
import { modelPaths } from '../paths.ts';

/**
 * True if a service is due to be learned at `step`. A profile is renewed when it is as old as the history it was
 * learned from, at most `learning.every`: a new service is learned after 15 minutes, 30 minutes, one hour, and so on,
 * instead of being scored by its first 15 minutes for a day.
 */
export function needsRenewal(
  profile: Profile | undefined,
  step: number,
  { interval, learning }: ScorerConfig,
): boolean {
  if (profile === undefined) return true;
  const learnedFrom = profile.to - profile.from + 1;
  return step - profile.to >= Math.min(learnedFrom, Math.ceil(learning.every / interval));
}

/**
 * True if a model that fits is due to be trained again at `timeMs`. Only models trained on this installation's history
 * age. The base model doesn't: it holds only what services have in common, and their differences are in the profiles,
 * which are renewed anyway.
 */
export function needsRetraining(model: FleetModel, timeMs: number, config: ScorerConfig): boolean {
  return model.path !== modelPaths(config).base && timeMs - model.trainedToMs >= config.learning.retrain;
}
