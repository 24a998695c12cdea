import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { type FittingProfiles, fittingProfiles } from '../scoring/profiles/fitting-profiles.ts';
import { type FleetModel, fleetModels, openModel, type Rejection } from './store/model-store.ts';
import { modelPaths } from '../paths.ts';
import { loadProfiles, type Profiles, ProfilesError } from '../scoring/profiles/profiles-file.ts';

/** A model and the profiles that belong to it. */
export interface Knowledge {
  readonly model: FleetModel | undefined;
  readonly profiles: Profiles | undefined;
  /** Existing files that aren't used. */
  readonly rejected: readonly Rejection[];
  /** How the saved profiles differ from the configuration, and what follows. */
  readonly misfits?: FittingProfiles['misfits'];
  /** Number of saved profiles of services, whether they fit or not. */
  readonly saved?: number;
}

/**
 * Opens the saved model and profiles. The profiles contain the checksum of their model, so renaming the profiles' file
 * replaces both atomically: if learning is killed at any time, the old pair or the new one is in effect.
 */
export async function openKnowledge(config: ScorerConfig, set: FeatureSet): Promise<Knowledge> {
  const { base, profiles: path } = modelPaths(config);
  const { saved, damage } = readProfiles(path);
  const { model, rejected } = await openModel([...fleetModels(config), base], set, config.steps, saved?.model);
  const fitting = saved && fittingProfiles(saved, model?.checksum ?? '', set, config);
  return {
    model,
    profiles: fitting?.profiles,
    rejected: damage === undefined ? rejected : [...rejected, damage],
    misfits: fitting?.misfits ?? [],
    saved: saved?.services.size ?? 0,
  };
}

function readProfiles(path: string): { readonly saved?: Profiles | undefined; readonly damage?: Rejection } {
  try {
    return { saved: loadProfiles(path) };
  } catch (error) {
    if (!(error instanceof ProfilesError)) throw error;
    return { damage: { path, reason: error.message, damaged: true } };
  }
}
