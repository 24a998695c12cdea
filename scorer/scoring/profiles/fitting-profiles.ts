import type { ScorerConfig } from '../../config.ts';
import type { FeatureSet } from '../../features/features.ts';
import type { Profile } from './profile.ts';
import type { Profiles } from './profiles-file.ts';

/** A setting that profiles are learned with. */
export type ProfileSetting = 'model' | 'features' | 'windows' | 'steps' | 'edges' | 'interval';

/** What of saved profiles fits the configuration. */
export interface FittingProfiles {
  /** Undefined if none can be used. */
  readonly profiles: Profiles | undefined;
  /** Settings in which the saved ones differ, with what follows for them. */
  readonly misfits: readonly { readonly setting: ProfileSetting; readonly reason: string }[];
}

/**
 * Keeps what fits of profiles that were learned with other settings. Scalings are per window and feature, so profiles of
 * another interval fit: they are used, and learned again as soon as there is enough history. Of other edge features only
 * the edges are lost. What depends on the model, its lags, the features or the windows can't be converted.
 *
 * @param model SHA-256 of the model in use
 */
export function fittingProfiles(
  saved: Profiles,
  model: string,
  set: FeatureSet,
  { interval, steps, learning }: Pick<ScorerConfig, 'interval' | 'steps' | 'learning'>,
): FittingProfiles {
  const names = (features: readonly { readonly name: string }[]) => features.map(({ name }) => name).join();
  const differences: readonly (readonly [ProfileSetting, boolean, string])[] = [
    ['features', saved.features.join() !== names(set.features), 'learned from other features; learned again'],
    ['windows', saved.windowsMs.join() !== set.windows.join(), 'learned over other windows; learned again'],
    ['steps', saved.steps.join() !== steps.join(), 'learned with other steps; learned again'],
    ['model', saved.model !== model, 'learned with another model; learned again'],
    ['edges', saved.edgeFeatures.join() !== names(set.edges), 'edges learned from other features; learned again'],
    ['interval', saved.intervalMs !== interval, 'learned at another interval; used until learned again'],
  ];
  const misfits = differences.flatMap(([setting, differs, reason]) => (differs ? [{ setting, reason }] : []));
  const differs = new Set(misfits.map(({ setting }) => setting));
  if (['features', 'windows', 'steps', 'model'].some((setting) => differs.has(setting as ProfileSetting))) {
    return { profiles: undefined, misfits };
  }
  const minSteps = Math.ceil(learning.minimum / interval);
  const inSteps = (profile: Profile): Profile => {
    const to = Math.floor((profile.to * saved.intervalMs) / interval);
    // As if learned from the minimum, so that it is due soon.
    return { ...profile, from: to - minSteps + 1, to };
  };
  const profiles: Profiles = {
    ...saved,
    edgeFeatures: set.edges.map(({ name }) => name),
    intervalMs: interval,
    services: differs.has('interval')
      ? new Map([...saved.services].map(([key, profile]) => [key, inSteps(profile)]))
      : saved.services,
    edges: differs.has('edges') ? new Map() : saved.edges,
  };
  return { profiles, misfits };
}
