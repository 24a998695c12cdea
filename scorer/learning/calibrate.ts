import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { Feature, FeatureSet } from '../features/features.ts';
import { learnProfile } from '../scoring/profiles/learn-profile.ts';
import type { Prior } from '../scoring/profiles/prior.ts';
import type { Profile } from '../scoring/profiles/profile.ts';
import type { EdgeScalings } from '../scoring/profiles/profiles-file.ts';
import { learnEdgeScalings } from '../scoring/profiles/scalings.ts';
import { shapeOf, type TensorShape } from '../tensor/tensor.ts';
import type { CleanPast, Past, ServicePast } from './history/clean.ts';
import type { CalibratedFleet } from './store/profile-store.ts';

/** The model and the prior that services are calibrated with. */
export interface Calibration {
  readonly model: Reconstructor;
  readonly prior?: Prior | undefined;
  /** True if the model was trained on these services: then thresholds also use the held-out part on its own. */
  readonly heldOut: boolean;
}

/** Calibrates services and edges on their clean history. */
export async function calibrate(
  set: FeatureSet,
  steps: readonly number[],
  past: CleanPast,
  calibration: Calibration,
): Promise<CalibratedFleet> {
  return {
    services: await calibrateServices(shapeOf(set, steps), past.services, calibration),
    edges: calibrateEdges(set.edges, past.edges, set.windows),
  };
}

/** Learns the profile of each service; omits services without a finite threshold. */
export async function calibrateServices(
  shape: TensorShape,
  services: readonly ServicePast[],
  { model, prior, heldOut }: Calibration,
  onProgress?: (share: number, key: string) => void,
): Promise<Map<string, Profile>> {
  const profiles = new Map<string, Profile>();
  for (const [index, { key, history, from, to, heldOutFrom, days }] of services.entries()) {
    const range = { from, to, heldOutFrom: heldOut ? heldOutFrom : from, days };
    const profile = await learnProfile(shape, history, range, model, prior);
    if (Number.isFinite(profile.threshold)) profiles.set(key, profile);
    onProgress?.((index + 1) / services.length, key);
  }
  return profiles;
}

/** Learns the scalings of each edge. */
export function calibrateEdges(
  features: readonly Feature[],
  edges: readonly Past[],
  windows: readonly number[],
): Map<string, EdgeScalings> {
  return new Map(
    edges.map(({ key, history, from, to }) => [key, learnEdgeScalings(features, history, from, to, windows)]),
  );
}
