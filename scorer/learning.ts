import {
  type Profile,
  learnProfile,
  learnEdgeScalings,
  learnScalings,
  poolProfiles,
  stepsBetween,
  usualSteps,
  type Prior,
  type Reconstructor,
  youngLoudness,
} from './calibration.ts';
import { formatDuration } from '../daemon/config-file.ts';
import type { ScorerConfig } from './config.ts';
import { EDGE_SERIES, SERVICE_SERIES, type FeatureSet } from './features.ts';
import { Fleet } from './fleet.ts';
import type { History } from './history.ts';
import { type FleetModel, modelPaths, openModel } from './models.ts';
import { loadProfiles, type Profiles, ProfilesError, saveProfiles } from './profiles.ts';
import type { PrometheusClient, RangeSeries } from './prometheus.ts';
import type { ColumnScaling } from './scaling.ts';
import { quantile } from './statistics.ts';
import { allocateWindows, columnCount, encodeWindow, type TensorShape, windowSize } from './tensor.ts';
import { saveModel } from './training/model-file.ts';
import { train, type TrainingProgress } from './training/trainer.ts';
import type { WindowSource } from './training/windows.ts';

/** Milliseconds since the epoch, both ends included. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LearnOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly client: PrometheusClient;
  /** Milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Time within it that isn't to be learned from, such as known faults. */
  readonly exclude?: readonly TimeSpan[];
  /** Learn every service anew, not only those without a profile. */
  readonly all?: boolean;
  /** Train a new model from scratch and save it here, whether or not one fits. */
  readonly modelPath?: string;
  readonly epochs?: number;
  readonly seed?: number;
  readonly onProgress?: (phase: 'fetch' | 'train' | 'calibrate', share: number, detail: string) => void;
}

export interface LearnResult {
  readonly services: number;
  readonly edges: number;
  readonly model: string;
  /** Set when a model was trained. */
  readonly validationLoss?: number | undefined;
}

/** There is nothing to learn from, or no model to learn with. */
export class LearnError extends Error {
  readonly code = 'NOTHING_TO_LEARN';
  override readonly name = 'LearnError';
}

/**
 * Without a bend the network reconstructs loads that it hasn't seen as well as those that it has, and a code of this size
 * holds how the signals move together; smaller ones leave load in the residual (docs/adr/0003-linear-network.md).
 */
const NETWORK = { slope: 1, output: 'linear', maps: 8, bottleneck: 64 } as const;
/** Share of the time, the last, that a newly trained model doesn't see and that thresholds are set on. */
const HELD_OUT_SHARE = 0.25;
/** A new service's fault-free windows exceed its threshold this rarely, */
const YOUNG_QUANTILE = 0.999;
/** and it isn't one of the fleet that this was learned from. */
const YOUNG_MARGIN = 1.2;
/** Windows of rates are not full yet just after a service appears. */
const WARM_UP_STEPS = 2;

/** A service with enough history to learn from. */
export interface Learnable {
  readonly key: string;
  readonly history: History;
  /** First and last step to learn from. */
  readonly from: number;
  readonly to: number;
  /** First step that a newly trained model doesn't see; thresholds rest on what follows. */
  readonly heldOutFrom: number;
}

/**
 * Learns what is normal from Prometheus' history: scaling, fault-free residuals and threshold of each
 * service, scaling of each edge, and a model where none fits or one is asked for. Saves all of it atomically.
 *
 * @throws LearnError, PrometheusError, ModelFileError
 */
export async function learn(options: LearnOptions): Promise<LearnResult> {
  const { config, set } = options;
  const shape: TensorShape = { features: set.features, steps: config.steps };
  const paths = modelPaths(config);
  const fleet = await fetchFleet(options);
  const services = learnableServices(fleet, config, options.toMs);
  if (services.length === 0) throw new LearnError('no service has enough history to learn from');

  const opened =
    options.modelPath === undefined ? await openModel([paths.fleet, paths.base], set, config.steps) : undefined;
  const fitting = opened?.model;
  const trained = fitting === undefined ? await trainModel(options, shape, services) : undefined;
  const model = fitting ?? trained?.model;
  if (model === undefined) throw new LearnError('the model that was just trained can not be opened');

  try {
    const known =
      fitting === undefined || options.all === true ? undefined : usableProfiles(paths.profiles, model, set, config);
    const learned = await calibrateServices(
      shape,
      services.filter(({ key }) => known?.services.has(key) !== true),
      { model: model.autoencoder, prior: model.prior, heldOut: trained !== undefined },
      (share, key) => options.onProgress?.('calibrate', share, key),
    );
    if (trained !== undefined) {
      const pooled = poolProfiles(columnCount(set.features), [...learned.values()]);
      await trained.save({ ...pooled, threshold: await youngThreshold(options, shape, services, model, pooled) });
    }
    if (options.modelPath === undefined || options.modelPath === paths.fleet) {
      await saveProfiles(paths.profiles, {
        model: model.checksum,
        features: set.features.map(({ name }) => name),
        edgeFeatures: set.edges.map(({ name }) => name),
        windowsMs: set.windows,
        steps: config.steps,
        intervalMs: config.interval,
        learnedAtMs: options.toMs,
        services: new Map([...(known?.services ?? []), ...learned]),
        edges: new Map([...(known?.edges ?? []), ...learnEdges(fleet, set, services, known)]),
      });
    }
    return {
      services: learned.size,
      edges: fleet.edges.size,
      model: model.path,
      validationLoss: trained?.validationLoss,
    };
  } finally {
    await model.autoencoder.close();
  }
}

/** The features of every service and edge over the time to learn from, without what is excluded. */
export async function fetchFleet(
  options: Pick<LearnOptions, 'config' | 'set' | 'client' | 'fromMs' | 'toMs' | 'exclude' | 'onProgress'>,
): Promise<Fleet> {
  const { config, set, client, fromMs, toMs, exclude = [], onProgress } = options;
  const reach = (config.steps.at(-1) ?? 0) + 1;
  const capacity = Math.ceil((toMs - fromMs) / config.interval) + reach + 1;
  const fleet = new Fleet(set, config.interval, capacity, config.shard);
  const start = Math.ceil(fromMs / config.interval) * config.interval;
  onProgress?.('fetch', 0, 'services');
  await client.queryRange(SERVICE_SERIES, start, toMs, config.interval, {
    visit: (series) => fleet.addService(without(series, exclude)),
  });
  onProgress?.('fetch', 0.5, 'edges');
  await client.queryRange(EDGE_SERIES, start, toMs, config.interval, {
    visit: (series) => fleet.addEdge(without(series, exclude)),
  });
  onProgress?.('fetch', 1, `${fleet.services.size} services, ${fleet.edges.size} edges`);
  return fleet;
}

function without(series: RangeSeries, exclude: readonly TimeSpan[]): RangeSeries {
  if (exclude.length === 0) return series;
  const kept = series.values.map((value, index) => {
    const timeMs = series.timestamps[index] ?? NaN;
    return exclude.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs) ? NaN : value;
  });
  return { ...series, values: kept };
}

/** The services that have been there for the least time of learning. */
export function learnableServices(fleet: Fleet, config: ScorerConfig, toMs: number): Learnable[] {
  const last = Math.floor(toMs / config.interval);
  const least = Math.ceil(config.learning.minimum / config.interval);
  return [...fleet.services].flatMap(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    const to = Math.min(last, history.newest ?? last);
    if (to - history.oldest + 1 < least) return [];
    const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
    const heldOutFrom = observed[Math.floor(observed.length * (1 - HELD_OUT_SHARE))] ?? to;
    return [{ key, history, from, to, heldOutFrom }];
  });
}

/**
 * The saved profiles, if they go with this model, these features and this interval.
 *
 * @param onDamaged told why when the file is there but can't be read
 */
export function usableProfiles(
  path: string,
  model: FleetModel,
  set: FeatureSet,
  config: ScorerConfig,
  onDamaged: (reason: string) => void = () => undefined,
): Profiles | undefined {
  let profiles: Profiles | undefined;
  try {
    profiles = loadProfiles(path);
  } catch (error) {
    if (!(error instanceof ProfilesError)) throw error;
    onDamaged(error.message);
    return undefined;
  }
  const fits =
    profiles !== undefined &&
    profiles.model === model.checksum &&
    profiles.intervalMs === config.interval &&
    profiles.steps.join() === config.steps.join() &&
    profiles.windowsMs.join() === set.windows.join() &&
    profiles.features.join() === set.features.map(({ name }) => name).join() &&
    profiles.edgeFeatures.join() === set.edges.map(({ name }) => name).join();
  return fits ? profiles : undefined;
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
  model: FleetModel,
  prior: Prior,
): Promise<number> {
  const youngSteps = Math.ceil(config.learning.minimum / config.interval);
  const loudnesses: number[] = [];
  for (const { history, from, to } of services) {
    loudnesses.push(...(await youngLoudness(shape, history, { from, to }, youngSteps, model.autoencoder, prior)));
  }
  const threshold = YOUNG_MARGIN * quantile(loudnesses, YOUNG_QUANTILE);
  return Number.isFinite(threshold) ? Math.max(threshold, prior.threshold) : prior.threshold;
}

function learnEdges(
  fleet: Fleet,
  set: FeatureSet,
  services: readonly Learnable[],
  known: Profiles | undefined,
): Map<string, readonly (ColumnScaling | undefined)[]> {
  const from = Math.min(...services.map((service) => service.from));
  const to = Math.max(...services.map((service) => service.to));
  const unknown = [...fleet.edges].filter(([key]) => known?.edges.has(key) !== true);
  return new Map(unknown.map(([key, history]) => [key, learnEdgeScalings(set.edges, history, from, to)]));
}

interface TrainedModel {
  readonly model: FleetModel;
  readonly validationLoss: number | undefined;
  save(prior: Prior): Promise<void>;
}

async function trainModel(
  options: LearnOptions,
  shape: TensorShape,
  services: readonly Learnable[],
): Promise<TrainedModel> {
  const { config, set, fromMs, toMs } = options;
  const started = Date.now();
  const windows = trainingWindows(shape, services);
  const result = await train(windows, {
    steps: shape.steps.length,
    features: shape.features.length,
    epochs: options.epochs ?? 60,
    seed: options.seed ?? 1,
    // Windows are in the order of time: the last ones validate, and what comes after them sets thresholds.
    validationShare: 0.15,
    patience: 8,
    noise: 0.02,
    dropout: 0.05,
    network: NETWORK,
    onProgress: (progress) => tellEpoch(options, progress),
  });
  const path = options.modelPath ?? modelPaths(config).fleet;
  const card = {
    features: set.features.map(({ name }) => name),
    windows: set.windows.map(formatDuration),
    steps: [...config.steps],
    trained: {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      windows: windows.count,
      seconds: (Date.now() - started) / 1000,
    },
    ...(result.validationLoss !== undefined && { validation_loss: result.validationLoss }),
  };
  const save = async (calibration?: Prior) => {
    await saveModel(path, result.weights, { ...card, ...(calibration !== undefined && { calibration }) });
  };
  await save();
  const { model, rejected } = await openModel([path], set, config.steps);
  if (model === undefined)
    throw new LearnError(`${path}: just trained and not usable: ${rejected[0]?.reason ?? 'gone'}`);
  return { model, validationLoss: result.validationLoss, save };
}

function tellEpoch({ onProgress }: LearnOptions, progress: TrainingProgress): void {
  const loss = (progress.validationLoss ?? progress.trainingLoss).toExponential(3);
  onProgress?.('train', progress.epoch / progress.epochs, `epoch ${progress.epoch}, validation loss ${loss}`);
}

/** Every usual step of every service but the held-out last part, in the order of time; encoded when asked for. */
export function trainingWindows(shape: TensorShape, services: readonly Learnable[]): WindowSource {
  const rows = services.flatMap(({ history, from, to, heldOutFrom }) => {
    const scalings = learnScalings(shape.features, columnCount(shape.features), history, from, to);
    return usualSteps(shape, history, { from, to }, scalings)
      .filter((step) => step < heldOutFrom)
      .map((step) => ({ history, scalings, step }));
  });
  rows.sort((a, b) => a.step - b.step);
  const one = allocateWindows(shape, 1);
  const size = windowSize(shape);
  return {
    count: rows.length,
    copy(index, data, mask, offset) {
      const row = rows[index];
      if (row === undefined) throw new RangeError(`no window ${index}`);
      encodeWindow(shape, row.history, row.step, row.scalings, one, 0);
      data.set(one.data.subarray(0, size), offset);
      mask.set(one.mask.subarray(0, size), offset);
    },
  };
}
