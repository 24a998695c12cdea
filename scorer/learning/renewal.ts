import type { Profile } from '../scoring/profile.ts';
import type { ScorerConfig } from '../config.ts';
import { type FleetModel } from './model-store.ts';
import { modelPaths } from '../paths.ts';

/**
 * Whether a service is to be learned at `step`. A profile is renewed when as much time has passed since as it was learned
 * from, so that a service that was added an hour ago isn't judged by its first 15 minutes until tomorrow: 15 minutes, 30, an
 * hour, and so on up to `learning.every`.
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
 * Whether a model is to be trained again at `timeMs` though it fits. Only one that was trained on this installation's own
 * history ages: what differs between services is in their profiles, which are never old, and the base model knows no more
 * than what services have in common.
 */
export function needsRetraining(model: FleetModel, timeMs: number, config: ScorerConfig): boolean {
  return model.path !== modelPaths(config).base && timeMs - model.trainedToMs >= config.learning.retrain;
}
