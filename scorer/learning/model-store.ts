import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ScorerConfig } from '../config.ts';
import { modelPaths } from '../paths.ts';
import { Autoencoder } from '../detectors/autoencoder/autoencoder.ts';
import type { AutoencoderWeights } from '../detectors/autoencoder/weights.ts';
import type { FeatureSet } from '../features/features.ts';
import { parsePrior, type Prior } from '../scoring/prior.ts';
import { cardPath, loadModel, ModelFileError, type SavedModel } from '../detectors/autoencoder/model-file.ts';

/** A model ready to reconstruct, with what is known of it. */
export interface FleetModel {
  readonly autoencoder: Autoencoder;
  readonly checksum: string;
  readonly prior: Prior | undefined;
  readonly path: string;
  /** To train on from. */
  readonly weights: AutoencoderWeights;
  /** End of the history that it was trained on, milliseconds since the epoch. */
  readonly trainedToMs: number;
}

/** A model trained on this installation's own history is named after its weights: a new one never replaces the old one's file. */
const FLEET_MODEL = /^fleet-[0-9a-f]{12}\.onnx$/;

export function fleetModelPath(config: ScorerConfig, checksum: string): string {
  return join(modelPaths(config).directory, `fleet-${checksum.slice(0, 12)}.onnx`);
}

/** Newest first. */
export function fleetModels(config: ScorerConfig): string[] {
  const { directory } = modelPaths(config);
  return filesIn(directory)
    .filter((name) => FLEET_MODEL.test(name))
    .map((name) => join(directory, name))
    .sort((a, b) => writtenAt(b) - writtenAt(a));
}

/** What a write that was killed left behind is as old as this; a younger one may be under way. */
const ABANDONED_MS = 3_600_000;

/** Removes what no longer serves: other models than `kept`, and what runs that were killed were writing. */
export function removeOutdated(config: ScorerConfig, kept: string): void {
  const { directory } = modelPaths(config);
  // Models before their cards: one without a card would look damaged, should this be killed in between.
  for (const path of filesIn(directory)
    .sort()
    .reverse()
    .map((name) => join(directory, name))) {
    const other = basename(path).startsWith('fleet-') && path !== kept && path !== cardPath(kept);
    const outdated = path.endsWith('.tmp') ? Date.now() - writtenAt(path) > ABANDONED_MS : other;
    if (outdated) rmSync(path, { force: true });
  }
}

/** Milliseconds since the epoch; 0 for a file that is gone by now. */
function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Why a saved model isn't used. */
export interface Rejection {
  readonly path: string;
  readonly reason: string;
  readonly damaged: boolean;
}

/**
 * Opens a model of `paths` that is whole and made for these features and steps: the one with checksum `preferred`, or else
 * the first.
 *
 * @returns no model when none fits; `rejected` names each that was there and why it isn't used
 */
export async function openModel(
  paths: readonly string[],
  set: FeatureSet,
  steps: readonly number[],
  preferred?: string,
): Promise<{ readonly model: FleetModel | undefined; readonly rejected: readonly Rejection[] }> {
  const rejected: Rejection[] = [];
  const fitting: (SavedModel & { readonly path: string })[] = [];
  for (const path of paths) {
    const loaded = await tryLoad(path, rejected);
    if (loaded === undefined) continue;
    const misfit = misfitOf(loaded, set, steps);
    if (misfit === undefined) fitting.push({ ...loaded, path });
    else rejected.push({ path, reason: misfit, damaged: false });
  }
  const chosen = fitting.find(({ card }) => card.sha256 === preferred) ?? fitting[0];
  if (chosen === undefined) return { model: undefined, rejected };
  const { sha256: checksum, calibration, trained } = chosen.card;
  const model = {
    autoencoder: await Autoencoder.load(chosen.bytes),
    checksum,
    prior: parsePrior(calibration),
    path: chosen.path,
    weights: chosen.weights,
    trainedToMs: Date.parse(trained.to),
  };
  // That one further down doesn't fit is nobody's concern.
  const preceding = new Set(paths.slice(0, paths.indexOf(chosen.path)));
  return { model, rejected: rejected.filter(({ path, damaged }) => damaged || preceding.has(path)) };
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
