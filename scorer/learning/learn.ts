import type { ScorerConfig } from '../config.ts';
import { Autoencoder } from '../detectors/autoencoder/autoencoder.ts';
import { encodeAutoencoder } from '../detectors/autoencoder/codec.ts';
import { modelChecksum, saveModel } from '../detectors/autoencoder/model-file.ts';
import type { AutoencoderWeights } from '../detectors/autoencoder/weights.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import { columnCount } from '../features/columns.ts';
import { listServices, type PastSource, type PastSpan } from '../fleet/past.ts';
import { modelPaths } from '../paths.ts';
import { ChangesError, loadChanges } from '../scoring/experience/changes-file.ts';
import { poolProfiles, type Prior } from '../scoring/profiles/prior.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import { shapeOf } from '../tensor/tensor.ts';
import { removeCheckpoint } from '../training/checkpoint.ts';
import { calibrate, calibrateServices, type Calibration } from './calibrate.ts';
import { cleanGroups, type CleanPastSource } from './history/clean.ts';
import type { LevelShifts } from './history/new-levels.ts';
import { NothingToLearnError } from '../detectors/error.ts';
import { openKnowledge } from './knowledge.ts';
import { type FleetModel, fleetModelPath, removeOutdated } from './store/model-store.ts';
import { type CalibratedFleet, profilesOrigin, ProfileStore } from './store/profile-store.ts';
import type { OnProgress } from './progress.ts';
import { needsRenewal, needsRetraining } from './renewal.ts';
import { type ModelTraining, type TrainedModel, type TrainingChoices, trainModel } from './train-model.ts';
import { youngThreshold } from './young-threshold.ts';

// A fleet's history passes four functions, group by group: `fetchGroups`, `clean`, `calibrate`, `ProfileStore.save`.

/** A fleet with the scorer's configuration. */
export interface ConfiguredFleet extends PastSource {
  readonly config: ScorerConfig;
  /** Features of services that have changed for good. Default: as saved in the state directory. */
  readonly shifts?: LevelShifts;
}

export interface LearnResult {
  /** Number of services learned. */
  readonly services: number;
  /** Number of edges learned. */
  readonly edges: number;
  /** Path of the model. */
  readonly model: string;
  /** Set if a model was trained. */
  readonly validationLoss?: number | undefined;
}

/** Groups between two saves, so that little is lost if learning a large fleet is killed. */
const GROUPS_PER_SAVE = 10;

/**
 * Renews old profiles of services, with the scalings of their edges. If no model fits, or the installation's own is too
 * old, trains one first and learns all services with it. Saves atomically.
 *
 * @param renew `old`: only what is due. `all`: all profiles. `model`: the model too, trained from its current weights
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
  const shifts = fleet.shifts ?? levelShifts(fleet);
  try {
    if (model === undefined || renew === 'model' || needsRetraining(model, span.toMs, config)) {
      const init = model !== undefined && isOwn(model, fleet) ? model.weights : undefined;
      return await replaceModel({ ...fleet, shifts }, span, { ...training, init }, onProgress);
    }
    return await renewProfiles({ ...fleet, shifts }, span, { model, profiles }, renew === 'all', onProgress);
  } finally {
    await model?.autoencoder.close();
  }
}

/** True for a model of this installation with all of its features: a further training starts from its weights. */
function isOwn({ path, features }: FleetModel, { config, set }: ConfiguredFleet): boolean {
  return path !== modelPaths(config).base && features.length === set.features.length;
}

/** Services that have changed for good, as the scorer has saved them; none if they can't be read. */
function levelShifts({ config, set }: ConfiguredFleet): LevelShifts {
  try {
    return loadChanges(modelPaths(config).changes, set.features).levels;
  } catch (error) {
    if (error instanceof ChangesError) return new Map();
    throw error;
  }
}

/**
 * Trains a model from scratch and saves it in `path` with its card. Learns no profiles.
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

/** Renews profiles with a model that fits; keeps those that aren't due unless `all` is set. */
async function renewProfiles(
  fleet: ConfiguredFleet,
  span: PastSpan,
  { model, profiles }: { readonly model: FleetModel; readonly profiles: Profiles | undefined },
  all: boolean,
  onProgress?: OnProgress,
): Promise<LearnResult> {
  const { config, set } = fleet;
  const step = Math.floor(span.toMs / config.interval);
  const present = await listServices(fleet, span);
  const due = all ? present : present.filter((key) => needsRenewal(profiles?.services.get(key), step, config));
  const origin = profilesOrigin(config, set, model.checksum, span.toMs);
  const store = new ProfileStore(modelPaths(config).profiles, origin, profiles);
  const calibration = { model: model.autoencoder, prior: model.prior, heldOut: false };
  let groups = 0;
  for await (const group of calibrateGroups(fleet, span, due, calibration, onProgress)) {
    store.add(group);
    if (++groups % GROUPS_PER_SAVE === 0) await store.save();
  }
  if (store.isEmpty) throw new NothingToLearnError('no service has enough history to learn from');
  store.forget(new Set(present), new Set(due));
  await store.save();
  removeOutdated(config, model.path);
  return { ...store.renewed, model: model.path };
}

/** Trains a model and learns all services with it; the old model and profiles stay in use until all are saved. */
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

/** Fetches, cleans and calibrates services, and the edges from and to them, group by group. */
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

/** The services that a model was trained on, calibrated, and the prior for other services. */
interface CalibratedSample extends CalibratedFleet {
  readonly prior: Prior;
  /** SHA-256 of the model. */
  readonly checksum: string;
}

/** Calibrates a model on the services that it was trained on, and saves it with the prior for other services. */
async function saveCalibrated(
  { config, set }: Pick<ConfiguredFleet, 'config' | 'set'>,
  path: string,
  { weights, card, sample }: TrainedModel,
  model: Reconstructor,
  onProgress?: OnProgress,
): Promise<CalibratedSample> {
  const shape = shapeOf(set, config.steps);
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
