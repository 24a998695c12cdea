import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ScorerConfig } from '../../config.ts';
import { modelPaths } from '../../paths.ts';
import { Autoencoder } from '../../detectors/autoencoder/autoencoder.ts';
import { type ClosableReconstructor, KnownFeatures, placesOf, spreadColumns } from '../../detectors/known-features.ts';
import type { AutoencoderWeights } from '../../detectors/autoencoder/weights.ts';
import type { FeatureSet } from '../../features/features.ts';
import { parsePrior, type Prior } from '../../scoring/profiles/prior.ts';
import { cardPath, loadModel, ModelFileError, type SavedModel } from '../../detectors/autoencoder/model-file.ts';

/** A loaded model with its metadata. */
export interface FleetModel {
  readonly autoencoder: ClosableReconstructor;
  /** The features that it was trained on: some of those that it is used for, if not all. */
  readonly features: readonly string[];
  readonly checksum: string;
  readonly prior: Prior | undefined;
  readonly path: string;
  /** Initial weights for further training. */
  readonly weights: AutoencoderWeights;
  /** End of the training data, milliseconds since the epoch. */
  readonly trainedToMs: number;
}

/** Models trained on this installation's history are named after their checksum, so that none overwrites another. */
const FLEET_MODEL = /^fleet-[0-9a-f]{12}\.onnx$/;

export function fleetModelPath(config: ScorerConfig, checksum: string): string {
  return join(modelPaths(config).directory, `fleet-${checksum.slice(0, 12)}.onnx`);
}

/** Paths of the models trained on this installation's history, newest first. */
export function fleetModels(config: ScorerConfig): string[] {
  const { directory } = modelPaths(config);
  return filesIn(directory)
    .filter((name) => FLEET_MODEL.test(name))
    .map((name) => join(directory, name))
    .sort((a, b) => writtenAt(b) - writtenAt(a));
}

/** Age at which a temporary file is abandoned: its writer was killed. A younger one may still be written. */
const ABANDONED_MS = 3_600_000;

/** Removes this installation's models except `kept`, and abandoned temporary files. */
export function removeOutdated(config: ScorerConfig, kept: string): void {
  const { directory } = modelPaths(config);
  // Models before their cards: killed in between, a model without its card would look damaged.
  for (const path of filesIn(directory)
    .sort()
    .reverse()
    .map((name) => join(directory, name))) {
    const other = basename(path).startsWith('fleet-') && path !== kept && path !== cardPath(kept);
    const outdated = path.endsWith('.tmp') ? Date.now() - writtenAt(path) > ABANDONED_MS : other;
    if (outdated && lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(path, { force: true });
  }
}

/** Modification time of a file, milliseconds since the epoch; 0 if it no longer exists. */
function writtenAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** None in what isn't a readable directory: reading or writing a file of it names it and says why. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** A saved model or profiles file that isn't used, with the reason. */
export interface Rejection {
  readonly path: string;
  readonly reason: string;
  readonly damaged: boolean;
}

/**
 * Opens the first model in `paths` that is undamaged and fits these features and steps; prefers the one with the
 * checksum `preferred`.
 *
 * @returns no model if none fits; `rejected` lists the damaged models, and those before the chosen one that don't fit
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
  const { sha256: checksum, calibration, trained, features } = chosen.card;
  const model = {
    ...withFeatures(await Autoencoder.load(chosen.bytes), parsePrior(calibration), features, set),
    checksum,
    features,
    path: chosen.path,
    weights: chosen.weights,
    trainedToMs: Date.parse(trained.to),
  };
  // A misfit after the chosen model is irrelevant.
  const preceding = new Set(paths.slice(0, paths.indexOf(chosen.path)));
  return { model, rejected: rejected.filter(({ path, damaged }) => damaged || preceding.has(path)) };
}

/** A model and its prior, for these features. @param known those that it was trained on */
function withFeatures(
  autoencoder: Autoencoder,
  prior: Prior | undefined,
  known: readonly string[],
  { features }: FeatureSet,
): Pick<FleetModel, 'autoencoder' | 'prior'> {
  const names = features.map(({ name }) => name);
  const places = placesOf(known, names);
  if (places === undefined || known.join() === names.join()) return { autoencoder, prior };
  const spread = (values: readonly number[]) => spreadColumns(values, places, names.length);
  return {
    autoencoder: new KnownFeatures(autoencoder, places, names.length),
    prior: prior && {
      spread: spread(prior.spread),
      residual: spread(prior.residual),
      deviation: spread(prior.deviation),
      threshold: prior.threshold,
    },
  };
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

/**
 * The reason why a model doesn't fit. It may know fewer features, which leaves out the others. The lengths of windows may
 * differ, as each service's values are scaled by its own normal.
 */
function misfitOf({ card }: SavedModel, set: FeatureSet, steps: readonly number[]): string | undefined {
  const names = set.features.map(({ name }) => name);
  if (placesOf(card.features, names) === undefined) return 'it was trained on other features';
  if (steps.length !== card.steps.length) return `it was trained on ${card.steps.length} steps, not ${steps.length}`;
  return undefined;
}
