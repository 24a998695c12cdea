import { fetchUnusual, leaveOut } from './unusual-time.ts';
import { learnProfile } from '../scoring/learn-profile.ts';
import { poolProfiles, type Prior } from '../scoring/prior.ts';
import type { Profile } from '../scoring/profile.ts';
import { youngLoudness } from './young-loudness.ts';
import { type Reconstructor } from '../detectors/reconstructor.ts';
import { Autoencoder } from '../detectors/autoencoder/autoencoder.ts';
import { fetchServices, inGroups, listServices } from '../fleet/past.ts';
import { openKnowledge } from './knowledge.ts';
import { LearnError, type LearnOptions } from './options.ts';
import { evenly, type Learnable, learnableServices, learnEdges } from './learnable.ts';
import { Learned } from './profiles-draft.ts';
import { isDue, isTooOld } from './due.ts';
import { trainModel } from './train-model.ts';
import { type FleetModel, fleetModelPath, removeOutdated } from './model-store.ts';
import { modelPaths } from '../paths.ts';
import type { Profiles } from '../scoring/profiles-file.ts';
import { quantile } from '../numeric/statistics.ts';
import { type TensorShape } from '../tensor/tensor.ts';
import { columnCount } from '../features/columns.ts';
import { removeCheckpoint } from '../training/checkpoint.ts';
import { encodeAutoencoder } from '../detectors/autoencoder/codec.ts';
import { modelChecksum, saveModel } from '../detectors/autoencoder/model-file.ts';

export interface LearnResult {
  /** Services and edges that were learned. */
  readonly services: number;
  readonly edges: number;
  readonly model: string;
  /** Set when a model was trained. */
  readonly validationLoss?: number | undefined;
}

/** A new service's fault-free windows exceed its threshold this rarely, */
const YOUNG_QUANTILE = 0.999;
/** and it isn't one of the fleet that this was learned from. */
const YOUNG_MARGIN = 1.6;
/** So many services tell how loud young ones are: each of them is judged as young all along its history. */
const YOUNG_SERVICES = 30;
/** What was learned so far is saved this often, so that a kill costs little of a large fleet's learning. */
const GROUPS_PER_SAVE = 10;

/**
 * Learns what is normal from Prometheus' history: scaling, fault-free residuals and threshold of each service that is due,
 * scaling of its edges, and a model where none fits, one is asked for, or the fleet's own is too old. Saves all of it atomically.
 *
 * @throws LearnError, PrometheusError, ModelFileError, TrainingError
 */
export async function learn(options: LearnOptions): Promise<LearnResult> {
  const { config, set, toMs, modelPath, retrain = false } = options;
  const { model, profiles } = await openKnowledge(config, set);
  try {
    const serves = modelPath === undefined && !retrain && model !== undefined && !isTooOld(model, toMs, config);
    return serves ? await learnDue(options, model, profiles) : await learnModel(options, model);
  } finally {
    await model?.autoencoder.close();
  }
}

/** Learns with a model that fits; what is still fresh is kept. */
async function learnDue(options: LearnOptions, model: FleetModel, known: Profiles | undefined): Promise<LearnResult> {
  const { config, all = false, toMs } = options;
  const step = Math.floor(toMs / config.interval);
  const there = await listServices(options);
  const due = all ? there : there.filter((key) => isDue(known?.services.get(key), step, config));
  const learned = new Learned(options, model.checksum, known);
  const calibration = { model: model.autoencoder, prior: model.prior, heldOut: false };
  await calibrateGroups(options, due, calibration, learned, () => learned.save());
  if (learned.services.size === 0) throw new LearnError('no service has enough history to learn from');
  learned.forget(new Set(there), new Set(due));
  await learned.save();
  removeOutdated(config, model.path);
  return { services: learned.newServices.size, edges: learned.newEdges.size, model: model.path };
}

/** Trains a model and learns every service with it; until all is saved, what was learned before is in use. */
async function learnModel(options: LearnOptions, fitting: FleetModel | undefined): Promise<LearnResult> {
  const { config, set, modelPath } = options;
  const shape: TensorShape = { features: set.features, steps: config.steps };
  const own = modelPath === undefined && fitting !== undefined && fitting.path !== modelPaths(config).base;
  const { weights, card, services, edges } = await trainModel(options, shape, own ? fitting.weights : undefined);
  const autoencoder = await Autoencoder.load(encodeAutoencoder(weights));
  try {
    const sample = await calibrateServices(shape, services, { model: autoencoder, heldOut: true }, (share, detail) =>
      options.onProgress?.({ phase: 'calibrate', share, detail }),
    );
    const pooled = poolProfiles(columnCount(set.features), [...sample.values()]);
    const prior = { ...pooled, threshold: await youngThreshold(options, shape, services, autoencoder, pooled) };
    const path = modelPath ?? fleetModelPath(config, modelChecksum(weights));
    const { sha256 } = await saveModel(path, weights, { ...card, calibration: prior });
    const learned = new Learned(options, sha256, undefined);
    learned.add(sample, edges);
    if (modelPath === undefined) {
      const rest = (await listServices(options)).filter((key) => !sample.has(key));
      await calibrateGroups(options, rest, { model: autoencoder, prior, heldOut: false }, learned);
      await learned.save();
      removeOutdated(config, path);
      await removeCheckpoint(modelPaths(config).checkpoint);
    }
    return {
      services: learned.newServices.size,
      edges: learned.newEdges.size,
      model: path,
      validationLoss: card.validation_loss,
    };
  } finally {
    await autoencoder.close();
  }
}

/** Fetches and learns services group by group. */
async function calibrateGroups(
  options: LearnOptions,
  keys: readonly string[],
  calibration: Calibration,
  learned: Learned,
  save?: () => Promise<void>,
): Promise<void> {
  const { config, set, toMs, signal, onProgress } = options;
  const shape: TensorShape = { features: set.features, steps: config.steps };
  const unusual = await fetchUnusual(options);
  let done = 0;
  for (const [index, group] of inGroups(keys, options).entries()) {
    signal?.throwIfAborted();
    const fleet = await fetchServices(options, group);
    leaveOut(unusual, fleet);
    const services = learnableServices(fleet, config, toMs);
    learned.add(await calibrateServices(shape, services, calibration), learnEdges(fleet, set.edges));
    done += group.length;
    onProgress?.({ phase: 'calibrate', share: done / keys.length, detail: `${done} of ${keys.length} services` });
    if ((index + 1) % GROUPS_PER_SAVE === 0) await save?.();
  }
}

export interface Calibration {
  readonly model: Reconstructor;
  readonly prior?: Prior | undefined;
  /** The model was trained on these services' time, so only what it didn't see tells how well it reconstructs. */
  readonly heldOut: boolean;
}

/** Learns the profile of each service; one whose threshold can't be told is left out. */
export async function calibrateServices(
  shape: TensorShape,
  services: readonly Learnable[],
  { model, prior, heldOut }: Calibration,
  onProgress?: (share: number, key: string) => void,
): Promise<Map<string, Profile>> {
  const learned = new Map<string, Profile>();
  for (const [index, { key, history, from, to, heldOutFrom }] of services.entries()) {
    const range = { from, to, heldOutFrom: heldOut ? heldOutFrom : from };
    const profile = await learnProfile(shape, history, range, model, prior);
    if (Number.isFinite(profile.threshold)) learned.set(key, profile);
    onProgress?.((index + 1) / services.length, key);
  }
  return learned;
}

/** The threshold of a service that has learned for the least time only, as this fleet's services would have needed it. */
async function youngThreshold(
  { config }: LearnOptions,
  shape: TensorShape,
  services: readonly Learnable[],
  model: Reconstructor,
  prior: Prior,
): Promise<number> {
  const youngSteps = Math.ceil(config.learning.minimum / config.interval);
  const loudnesses: number[] = [];
  for (const { history, from, to } of evenly(services, YOUNG_SERVICES)) {
    loudnesses.push(...(await youngLoudness(shape, history, { from, to }, youngSteps, model, prior)));
  }
  const threshold = YOUNG_MARGIN * quantile(loudnesses, YOUNG_QUANTILE);
  return Number.isFinite(threshold) ? Math.max(threshold, prior.threshold) : prior.threshold;
}
