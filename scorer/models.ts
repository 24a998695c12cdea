import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScorerConfig } from './config.ts';
import { Autoencoder } from './detectors/autoencoder.ts';
import type { FeatureSet } from './features.ts';
import { parsePrior, type Prior } from './calibration.ts';
import { loadModel, ModelFileError, type SavedModel } from './training/model-file.ts';

/** Where things lie: the package's own folders are beside dist/, and beside this folder in the sources. */
const PACKAGE = resolve(fileURLToPath(import.meta.url), '../..');
export const SHIPPED_FEATURES = join(PACKAGE, 'rules/features.yaml');
export const SHIPPED_MODEL = join(PACKAGE, 'models/base.onnx');

/** A model ready to reconstruct, with what is known of it. */
export interface FleetModel {
  readonly autoencoder: Autoencoder;
  readonly checksum: string;
  readonly prior: Prior | undefined;
  readonly path: string;
}

export interface ModelPaths {
  /** The model trained on this installation's own history. */
  readonly fleet: string;
  readonly base: string;
  readonly profiles: string;
}

export function modelPaths(config: ScorerConfig): ModelPaths {
  return {
    fleet: join(config.state_dir, 'models', 'fleet.onnx'),
    base: config.base_model ?? SHIPPED_MODEL,
    profiles: join(config.state_dir, 'models', 'profiles.json'),
  };
}

/** Why a saved model isn't used. */
export interface Rejection {
  readonly path: string;
  readonly reason: string;
  readonly damaged: boolean;
}

/**
 * Opens the first model of `paths` that is whole and made for these features and steps.
 *
 * @returns no model when none fits; `rejected` names each that was there and why it isn't used
 */
export async function openModel(
  paths: readonly string[],
  set: FeatureSet,
  steps: readonly number[],
): Promise<{ readonly model: FleetModel | undefined; readonly rejected: readonly Rejection[] }> {
  const rejected: Rejection[] = [];
  for (const path of paths) {
    const loaded = await tryLoad(path, rejected);
    if (loaded === undefined) continue;
    const misfit = misfitOf(loaded, set, steps);
    if (misfit !== undefined) {
      rejected.push({ path, reason: misfit, damaged: false });
      continue;
    }
    const autoencoder = await Autoencoder.load(loaded.bytes);
    const { sha256: checksum, calibration } = loaded.card;
    return { model: { autoencoder, checksum, prior: parsePrior(calibration), path }, rejected };
  }
  return { model: undefined, rejected };
}

async function tryLoad(path: string, rejected: Rejection[]): Promise<SavedModel | undefined> {
  try {
    return await loadModel(path);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    rejected.push({ path, reason: error.message, damaged: true });
    return undefined;
  }
}

/** Windows may differ in length, as the tensor is scaled by each service's own normal; their meaning may not. */
function misfitOf({ card }: SavedModel, set: FeatureSet, steps: readonly number[]): string | undefined {
  const names = set.features.map(({ name }) => name);
  if (names.join() !== card.features.join()) return 'it was trained on another list of features';
  if (steps.length !== card.steps.length) return `it was trained on ${card.steps.length} steps, not ${steps.length}`;
  return undefined;
}
