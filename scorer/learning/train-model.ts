import { createHash } from 'node:crypto';
import { formatDuration } from '../../daemon/config-file.ts';
import { fetchUnusual, leaveOut } from './unusual-time.ts';
import { learnScalings } from '../scoring/scalings.ts';
import { usualSteps } from '../scoring/usual-steps.ts';
import type { AutoencoderWeights } from '../detectors/autoencoder/weights.ts';
import { fetchServices, type HistoryOptions, inGroups, listServices } from '../fleet/past.ts';
import { LearnError, type LearnOptions } from './options.ts';
import { evenly, type Learnable, learnableServices, learnEdges } from './learnable.ts';
import { modelPaths } from '../paths.ts';
import type { EdgeScalings } from '../scoring/profiles-file.ts';
import { allocateWindows, encodeWindow, type TensorShape, windowSize } from '../tensor/tensor.ts';
import { columnCount } from '../features/columns.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '../training/checkpoint.ts';
import type { ModelCardDraft } from '../detectors/autoencoder/model-card.ts';
import { train, type TrainingOptions, type TrainingProgress } from '../training/trainer.ts';
import type { WindowSource } from '../training/windows.ts';

/** As good as four times the weights, with or without a bend and an end that saturates (docs/adr/0003-network.md). */
export const NETWORK = { slope: 0.2, output: 'sigmoid', maps: 4, bottleneck: 32 } as const;
/** Services whose history a model is trained on: they are in memory at once, some 50 MB with a day and 15 features. */
const MOST_SERVICES = 200;
/** Windows of all of them: more take longer and hardly tell the network more. */
const MOST_WINDOWS = 16_000;
/** Of a training that goes on from a model that fits: the usual rate would throw it back first. */
const TUNING_RATE = 1e-3;
/** Epochs between two states kept on disk: a few seconds that a kill costs, for milliseconds of writing. */
const EPOCHS_PER_CHECKPOINT = 4;

export interface TrainedModel {
  readonly weights: AutoencoderWeights;
  readonly card: ModelCardDraft;
  /** The services that it was trained on, and their history. */
  readonly services: readonly Learnable[];
  readonly edges: ReadonlyMap<string, EdgeScalings>;
}

/**
 * Trains a model on the history of a sample of the fleet. A run that was killed is gone on with, on the history that it
 * had, if it learned from as long a time and that ended less than `learning.every` ago.
 *
 * @param init a model to go on from; it comes back as it was if nothing better is found
 * @throws LearnError, PrometheusError, TrainingError
 */
export async function trainModel(
  options: LearnOptions,
  shape: TensorShape,
  init: AutoencoderWeights | undefined,
): Promise<TrainedModel> {
  const { config, set, signal } = options;
  const started = Date.now();
  const training: TrainingOptions = {
    steps: shape.steps.length,
    features: shape.features.length,
    epochs: options.epochs ?? 60,
    seed: options.seed ?? 1,
    // Windows are in the order of time: the last ones validate, and what comes after them sets thresholds.
    validationShare: 0.15,
    patience: 8,
    noise: 0.02,
    dropout: 0.05,
    ...(init === undefined ? { network: options.network ?? NETWORK } : { init, learningRate: TUNING_RATE }),
  };
  const checkpoints = options.modelPath === undefined ? modelPaths(config).checkpoint : undefined;
  const setup = setupOf(options, training);
  const broken = checkpoints === undefined ? undefined : await brokenOff(checkpoints, setup, options);
  const span = { fromMs: broken?.fromMs ?? options.fromMs, toMs: broken?.toMs ?? options.toMs };
  const { services, edges } = await fetchSample({ ...options, ...span }, options.onProgress);
  if (services.length === 0) throw new LearnError('no service has enough history to learn from');
  const windows = trainingWindows(shape, services);
  const digest = digestOf(windows, shape);
  const result = await train(windows, {
    ...training,
    onProgress: (progress) => tellEpoch(options, progress),
    ...(broken?.windows === digest && { resume: broken.state }),
    ...(checkpoints !== undefined && {
      stateEvery: EPOCHS_PER_CHECKPOINT,
      onState: (state) => saveCheckpoint(checkpoints, { setup, ...span, windows: digest, state }),
    }),
    ...(signal !== undefined && { signal }),
  });
  const card = {
    features: set.features.map(({ name }) => name),
    windows: set.windows.map(formatDuration),
    steps: [...config.steps],
    trained: {
      from: new Date(span.fromMs).toISOString(),
      to: new Date(span.toMs).toISOString(),
      windows: windows.count,
      seconds: (Date.now() - started) / 1000,
    },
    ...(result.validationLoss !== undefined && { validation_loss: result.validationLoss }),
  };
  return { weights: result.weights, card, services, edges };
}

/** Equal for runs that end with equal weights when they see equal windows. */
function setupOf({ config, set, exclude = [] }: LearnOptions, { init, ...training }: TrainingOptions): string {
  const from = init === undefined ? '' : createHash('sha256').update(init.values).digest('hex');
  const { interval, steps } = config;
  return JSON.stringify({ features: set.features, windows: set.windows, interval, steps, exclude, training, from });
}

async function brokenOff(
  path: string,
  setup: string,
  { config, fromMs, toMs }: LearnOptions,
): Promise<Checkpoint | undefined> {
  const saved = await loadCheckpoint(path);
  if (saved?.setup !== setup || saved.toMs - saved.fromMs !== toMs - fromMs) return undefined;
  const age = toMs - saved.toMs;
  return age >= 0 && age < config.learning.every ? saved : undefined;
}

/** The history of the services to train on, and what is normal for their edges. */
async function fetchSample(
  options: HistoryOptions,
  onProgress: LearnOptions['onProgress'],
): Promise<Pick<TrainedModel, 'services' | 'edges'>> {
  const sample = evenly(await listServices(options), MOST_SERVICES);
  const unusual = await fetchUnusual(options);
  const services: Learnable[] = [];
  const edges = new Map<string, EdgeScalings>();
  let fetched = 0;
  for (const group of inGroups(sample, options)) {
    const fleet = await fetchServices(options, group);
    leaveOut(unusual, fleet);
    services.push(...learnableServices(fleet, options.config, options.toMs));
    for (const [key, scalings] of learnEdges(fleet, options.set.edges)) edges.set(key, scalings);
    fetched += group.length;
    onProgress?.({ phase: 'fetch', share: fetched / sample.length, detail: `${fetched} services` });
  }
  return { services, edges };
}

function tellEpoch({ onProgress }: LearnOptions, { epoch, epochs, ...losses }: TrainingProgress): void {
  const loss = (losses.validationLoss ?? losses.trainingLoss).toExponential(3);
  onProgress?.({ phase: 'train', share: epoch / epochs, detail: `epoch ${epoch}, validation loss ${loss}` });
}

/** Usual steps of every service but the held-out last part, in the order of time; encoded when asked for. */
export function trainingWindows(shape: TensorShape, services: readonly Learnable[]): WindowSource {
  const quota = Math.ceil(MOST_WINDOWS / services.length);
  const rows = services.flatMap(({ history, from, to, heldOutFrom }) => {
    const scalings = learnScalings(shape.features, columnCount(shape.features), history, from, to);
    const usual = usualSteps(shape, history, { from, to }, scalings).filter((step) => step < heldOutFrom);
    return evenly(usual, quota).map((step) => ({ history, scalings, step }));
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

function digestOf(windows: WindowSource, shape: TensorShape): string {
  const { data, mask } = allocateWindows(shape, 1);
  const hash = createHash('sha256');
  for (let index = 0; index < windows.count; index++) {
    windows.copy(index, data, mask, 0);
    hash.update(data).update(mask);
  }
  return hash.digest('hex');
}
