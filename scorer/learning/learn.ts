import type { ScorerConfig } from '../config.ts';
import { Autoencoder } from '../detectors/autoencoder/autoencoder.ts';
import { encodeAutoencoder } from '../detectors/autoencoder/codec.ts';
import { modelChecksum, saveModel } from '../detectors/autoencoder/model-file.ts';
import type { AutoencoderWeights } from '../detectors/autoencoder/weights.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import { columnCount } from '../features/columns.ts';
import { listServices, type PastSource, type PastSpan } from '../fleet/past.ts';
import { modelPaths } from '../paths.ts';
import { poolProfiles, type Prior } from '../scoring/prior.ts';
import type { Profiles } from '../scoring/profiles-file.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { removeCheckpoint } from '../training/checkpoint.ts';
import { calibrate, calibrateServices, type Calibration } from './calibrate.ts';
import { cleanGroups, type CleanPastSource } from './clean.ts';
import { NothingToLearnError } from '../detectors/error.ts';
import { openKnowledge } from './knowledge.ts';
import { type FleetModel, fleetModelPath, removeOutdated } from './model-store.ts';
import { type CalibratedFleet, profilesOrigin, ProfileStore } from './profile-store.ts';
import type { OnProgress } from './progress.ts';
import { needsRenewal, needsRetraining } from './renewal.ts';
import { type ModelTraining, type TrainedModel, type TrainingChoices, trainModel } from './train-model.ts';
import { youngThreshold } from './young-threshold.ts';

// A fleet's past passes four functions, group by group: `fetchGroups`, `clean`, `calibrate`, and a `ProfileStore`'s `save`.

/** A fleet as a scorer's configuration names it. */
export interface ConfiguredFleet extends PastSource {
  readonly config: ScorerConfig;
}

export interface LearnResult {
  /** Services and edges that were learned. */
  readonly services: number;
  readonly edges: number;
  readonly model: string;
  /** Set when a model was trained. */
  readonly validationLoss?: number | undefined;
}

/** What was learned so far is saved this often, so that a kill costs little of a large fleet's learning. */
const GROUPS_PER_SAVE = 10;

/**
 * Renews the profiles of services whose own are old, with the scalings of their edges. Where no model fits or the fleet's own
 * is too old, trains one first and learns all services with it. Saves all of it atomically.
 *
 * @param renew all profiles, or the model too, from its weights on, though nothing is old
 * @throws NothingToLearnError, PrometheusError, ModelFileError, TrainingError
 */
export async function learn(
  fleet: ConfiguredFleet,
  span: PastSpan,
  renew: 'old' | 'all' | 'model' = 'old',
  training: TrainingChoices = {},
  onProgress?: OnProgress,
): Promise<LearnResult> {
  const { config, set } = fleet;
  const { model, profiles } = await openKnowledge(config, set);
  try {
    if (model === undefined || renew === 'model' || needsRetraining(model, span.toMs, config)) {
      const init = model === undefined || model.path === modelPaths(config).base ? undefined : model.weights;
      return await replaceModel(fleet, span, { ...training, init }, onProgress);
    }
    return await renewProfiles(fleet, span, { model, profiles }, renew === 'all', onProgress);
  } finally {
    await model?.autoencoder.close();
  }
}

/**
 * Trains a model from scratch, saves it in `path` with its card, and learns nothing else.
 *
 * @throws NothingToLearnError, PrometheusError, TrainingError
 */
export async function learnBaseModel(
  fleet: ConfiguredFleet,
  span: PastSpan,
  path: string,
  training: TrainingChoices = {},
  onProgress?: OnProgress,
): Promise<LearnResult> {
  const trained = await trainModel(fleet, span, training, onProgress);
  const { services, edges } = await withAutoencoder(trained.weights, (model) =>
    saveCalibrated(fleet, path, trained, model, onProgress),
  );
  return { services: services.size, edges: edges.size, model: path, validationLoss: trained.card.validation_loss };
}

/** Learns with a model that fits; what is still fresh is kept. */
async function renewProfiles(
  fleet: ConfiguredFleet,
  span: PastSpan,
  { model, profiles }: { readonly model: FleetModel; readonly profiles: Profiles | undefined },
  all: boolean,
  onProgress?: OnProgress,
): Promise<LearnResult> {
  const { config, set } = fleet;
  const step = Math.floor(span.toMs / config.interval);
  const there = await listServices(fleet, span);
  const old = all ? there : there.filter((key) => needsRenewal(profiles?.services.get(key), step, config));
  const origin = profilesOrigin(config, set, model.checksum, span.toMs);
  const store = new ProfileStore(modelPaths(config).profiles, origin, profiles);
  const calibration = { model: model.autoencoder, prior: model.prior, heldOut: false };
  let groups = 0;
  for await (const group of calibrateGroups(fleet, span, old, calibration, onProgress)) {
    store.add(group);
    if (++groups % GROUPS_PER_SAVE === 0) await store.save();
  }
  if (store.isEmpty) throw new NothingToLearnError('no service has enough history to learn from');
  store.forget(new Set(there), new Set(old));
  await store.save();
  removeOutdated(config, model.path);
  return { ...store.renewed, model: model.path };
}

/** Trains a model and learns every service with it; until all is saved, what was learned before is in use. */
async function replaceModel(
  fleet: ConfiguredFleet,
  span: PastSpan,
  training: ModelTraining,
  onProgress?: OnProgress,
): Promise<LearnResult> {
  const { config, set } = fleet;
  const { checkpoint, profiles } = modelPaths(config);
  const trained = await trainModel(fleet, span, { ...training, checkpoint }, onProgress);
  return await withAutoencoder(trained.weights, async (model) => {
    const path = fleetModelPath(config, modelChecksum(trained.weights));
    const { checksum, prior, ...sample } = await saveCalibrated(fleet, path, trained, model, onProgress);
    const store = new ProfileStore(profiles, profilesOrigin(config, set, checksum, span.toMs));
    store.add(sample);
    const rest = (await listServices(fleet, span)).filter((key) => !sample.services.has(key));
    for await (const group of calibrateGroups(fleet, span, rest, { model, prior, heldOut: false }, onProgress)) {
      store.add(group);
    }
    await store.save();
    removeOutdated(config, path);
    await removeCheckpoint(checkpoint);
    return { ...store.renewed, model: path, validationLoss: trained.card.validation_loss };
  });
}

/** Fetches, cleans and calibrates services with the edges from and to them, group by group. */
async function* calibrateGroups(
  source: CleanPastSource,
  span: PastSpan,
  keys: readonly string[],
  calibration: Calibration,
  onProgress?: OnProgress,
): AsyncGenerator<CalibratedFleet> {
  const { config, set } = source;
  let done = 0;
  for await (const past of cleanGroups(source, span, keys)) {
    const calibrated = await calibrate(set, config.steps, past, calibration);
    done += past.keys.length;
    onProgress?.({ phase: 'calibrate', share: done / keys.length, detail: `${done} of ${keys.length} services` });
    yield calibrated;
  }
}

/** A model's own sample of the fleet, and what is expected of other services. */
interface CalibratedSample extends CalibratedFleet {
  readonly prior: Prior;
  /** Of the model. */
  readonly checksum: string;
}

/** Calibrates a model on the services that it was trained on, and saves it with its prior. */
async function saveCalibrated(
  { config, set }: Pick<ConfiguredFleet, 'config' | 'set'>,
  path: string,
  { weights, card, sample }: TrainedModel,
  model: Reconstructor,
  onProgress?: OnProgress,
): Promise<CalibratedSample> {
  const shape: TensorShape = { features: set.features, steps: config.steps };
  const services = await calibrateServices(shape, sample.services, { model, heldOut: true }, (share, detail) =>
    onProgress?.({ phase: 'calibrate', share, detail }),
  );
  const pooled = poolProfiles(columnCount(set.features), [...services.values()]);
  const youngSteps = Math.ceil(config.learning.minimum / config.interval);
  const prior = { ...pooled, threshold: await youngThreshold(shape, sample.services, youngSteps, model, pooled) };
  const { sha256: checksum } = await saveModel(path, weights, { ...card, calibration: prior });
  return { services, edges: sample.edges, prior, checksum };
}

async function withAutoencoder<T>(weights: AutoencoderWeights, use: (model: Autoencoder) => Promise<T>): Promise<T> {
  const autoencoder = await Autoencoder.load(encodeAutoencoder(weights));
  try {
    return await use(autoencoder);
  } finally {
    await autoencoder.close();
  }
}
