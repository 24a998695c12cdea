import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { type FleetModel, fleetModels, openModel, type Rejection } from './model-store.ts';
import { modelPaths } from '../paths.ts';
import { loadProfiles, type Profiles, ProfilesError } from '../scoring/profiles-file.ts';

/** What has been learned: a model, and the profiles that go with it. */
export interface Knowledge {
  readonly model: FleetModel | undefined;
  readonly profiles: Profiles | undefined;
  /** What is there and not used. */
  readonly rejected: readonly Rejection[];
}

/**
 * Opens what was learned. The profiles name the model that they go with, so both are replaced by the one rename of the
 * profiles' file: a learning that is killed at any moment leaves the old pair or the new one, never one of each.
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

/** Profiles are of use only with the model, features and interval that they were learned with. */
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
