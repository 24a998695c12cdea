import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { type FleetModel, fleetModels, openModel, type Rejection } from './store/model-store.ts';
import { modelPaths } from '../paths.ts';
import { loadProfiles, type Profiles, ProfilesError } from '../scoring/profiles/profiles-file.ts';

/** A model and the profiles that belong to it. */
export interface Knowledge {
  readonly model: FleetModel | undefined;
  readonly profiles: Profiles | undefined;
  /** Existing files that aren't used. */
  readonly rejected: readonly Rejection[];
}

/**
 * Opens the saved model and profiles. The profiles contain the checksum of their model, so renaming the profiles' file
 * replaces both atomically: if learning is killed at any time, the old pair or the new one is in effect.
 */
export async function openKnowledge(config: ScorerConfig, set: FeatureSet): Promise<Knowledge> {
  const { base, profiles: path } = modelPaths(config);
  const { saved, damage } = readProfiles(path);
  const { model, rejected } = await openModel([...fleetModels(config), base], set, config.steps, saved?.model);
  const profiles = model !== undefined && saved !== undefined && fits(saved, model, set, config) ? saved : undefined;
  return { model, profiles, rejected: damage === undefined ? rejected : [...rejected, damage] };
}

function readProfiles(path: string): { readonly saved?: Profiles | undefined; readonly damage?: Rejection } {
  try {
    return { saved: loadProfiles(path) };
  } catch (error) {
    if (!(error instanceof ProfilesError)) throw error;
    return { damage: { path, reason: error.message, damaged: true } };
  }
}

/** True if the profiles were learned with this model, these features, windows and steps, and this interval. */
function fits(profiles: Profiles, model: FleetModel, set: FeatureSet, config: ScorerConfig): boolean {
  return (
    profiles.model === model.checksum &&
    profiles.intervalMs === config.interval &&
    profiles.steps.join() === config.steps.join() &&
    profiles.windowsMs.join() === set.windows.join() &&
    profiles.features.join() === set.features.map(({ name }) => name).join() &&
    profiles.edgeFeatures.join() === set.edges.map(({ name }) => name).join()
  );
}
