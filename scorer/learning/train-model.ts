import { createHash } from 'node:crypto';
import { formatDuration } from '../../daemon/config-file.ts';
import type { ScorerConfig } from '../config.ts';
import type { ModelCardDraft } from '../detectors/autoencoder/model-card.ts';
import type { AutoencoderWeights } from '../detectors/autoencoder/weights.ts';
import type { FeatureSet } from '../features/features.ts';
import { listServices, type PastSpan, type TimeSpan } from '../fleet/past.ts';
import { evenly } from '../numeric/evenly.ts';
import type { EdgeScalings } from '../scoring/profiles/profiles-file.ts';
import { shapeOf, type TensorShape } from '../tensor/tensor.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '../training/checkpoint.ts';
import type { TrainingProgress } from '../training/train-network.ts';
import { train, type TrainingOptions } from '../training/trainer.ts';
import { calibrateEdges } from './calibrate.ts';
import { cleanGroups, type CleanPastSource, type ServicePast } from './history/clean.ts';
import { NothingToLearnError } from '../detectors/error.ts';
import type { OnProgress } from './progress.ts';
import { digestWindows, trainingWindows } from './history/training-windows.ts';

/** As good as variants with four times the weights, and as linear ones (docs/adr/scorer/0003-network.md). */
export const NETWORK = { slope: 0.2, output: 'sigmoid', maps: 4, bottleneck: 32 } as const;
/**
 * Maximum number of services to train on. Their history is in memory at once: about 50 MB for a day and 15 features.
 */
const MAX_SERVICES = 200;
/** Initial learning rate for fine-tuning: the default would first undo what the model has learned. */
const TUNING_RATE = 1e-3;
/** Epochs between two checkpoints: a kill loses a few seconds of training, a checkpoint costs milliseconds. */
const EPOCHS_PER_CHECKPOINT = 4;

/** Training parameters. */
export interface TrainingChoices {
  /** Network of a model trained from scratch. Default: `NETWORK`. */
  readonly network?: TrainingOptions['network'];
  /** Maximum number of epochs. Default: 60. */
  readonly epochs?: number;
  readonly seed?: number;
}

export interface ModelTraining extends TrainingChoices {
  /** Weights to fine-tune, returned unchanged if training doesn't improve them. Default: train from scratch. */
  readonly init?: AutoencoderWeights | undefined;
  /** Checkpoint file, from which the next run resumes if this one is killed. Default: none. */
  readonly checkpoint?: string;
}

/** The services and edges that a model was trained on. */
export interface TrainingSample {
  readonly services: readonly ServicePast[];
  readonly edges: ReadonlyMap<string, EdgeScalings>;
}

export interface TrainedModel {
  readonly weights: AutoencoderWeights;
  readonly card: ModelCardDraft;
  readonly sample: TrainingSample;
}

/** Source of the sample; `learning.every` is the maximum age of a checkpoint. */
export interface SampleSource extends CleanPastSource {
  readonly config: CleanPastSource['config'] & { readonly learning: Pick<ScorerConfig['learning'], 'every'> };
}

/**
 * Trains a model on the history of a sample of the fleet. Resumes a killed run, with its span of history, if that is as
 * long as `span` and ended less than `learning.every` before it.
 *
 * @throws NothingToLearnError, PrometheusError, TrainingError
 */
export async function trainModel(
  source: SampleSource,
  span: PastSpan,
  { checkpoint, ...training }: ModelTraining,
  onProgress?: OnProgress,
): Promise<TrainedModel> {
  const { config, set, signal } = source;
  const started = Date.now();
  const shape = shapeOf(set, config.steps);
  const options = trainingOptions(shape, training);
  const setup = describeSetup(source, span, options);
  const unfinished = checkpoint === undefined ? undefined : await findUnfinished(checkpoint, setup, span, config);
  const { fromMs, toMs } = unfinished ?? span;
  const sample = await fetchSample(source, { ...span, fromMs, toMs }, onProgress);
  if (sample.services.length === 0) throw new NothingToLearnError('no service has enough history to learn from');
  const windows = trainingWindows(shape, sample.services);
  const digest = digestWindows(shape, windows);
  const { weights, validationLoss } = await train(windows, {
    ...options,
    onProgress: (progress) => reportEpoch(progress, onProgress),
    ...(unfinished?.windows === digest && { resume: unfinished.state }),
    ...(checkpoint !== undefined && {
      stateEvery: EPOCHS_PER_CHECKPOINT,
      onState: (state) => saveCheckpoint(checkpoint, { setup, fromMs, toMs, windows: digest, state }),
    }),
    ...(signal !== undefined && { signal }),
  });
  const trained = { windows: windows.count, seconds: (Date.now() - started) / 1000 };
  return { weights, card: modelCard(set, config.steps, { fromMs, toMs }, trained, validationLoss), sample };
}

function trainingOptions(shape: TensorShape, { init, network, epochs, seed }: ModelTraining): TrainingOptions {
  return {
    steps: shape.steps.length,
    features: shape.features.length,
    epochs: epochs ?? 60,
    seed: seed ?? 1,
    // Windows are in time order: the last ones are for validation; the held-out part after them sets thresholds.
    validationShare: 0.15,
    patience: 8,
    noise: 0.02,
    dropout: 0.05,
    ...(init === undefined ? { network: network ?? NETWORK } : { init, learningRate: TUNING_RATE }),
  };
}

/** Fingerprint of a run: runs with equal fingerprints and equal windows end with equal weights. */
function describeSetup(
  { set, config: { interval, steps } }: Pick<SampleSource, 'set' | 'config'>,
  { exclude = [] }: PastSpan,
  { init, ...training }: TrainingOptions,
): string {
  const from = init === undefined ? '' : createHash('sha256').update(init.values).digest('hex');
  return JSON.stringify({ features: set.features, windows: set.windows, interval, steps, exclude, training, from });
}

/** The checkpoint of a run with this setup, if its history is as long as `span` and not too old. */
async function findUnfinished(
  path: string,
  setup: string,
  { fromMs, toMs }: TimeSpan,
  { learning }: SampleSource['config'],
): Promise<Checkpoint | undefined> {
  const saved = await loadCheckpoint(path);
  if (saved?.setup !== setup || saved.toMs - saved.fromMs !== toMs - fromMs) return undefined;
  const age = toMs - saved.toMs;
  return age >= 0 && age < learning.every ? saved : undefined;
}

/** Fetches the history of the services to train on, and learns the scalings of their edges. */
async function fetchSample(source: SampleSource, span: PastSpan, onProgress?: OnProgress): Promise<TrainingSample> {
  const sample = evenly(await listServices(source, span), MAX_SERVICES);
  const services: ServicePast[] = [];
  const edges = new Map<string, EdgeScalings>();
  let fetched = 0;
  for await (const group of cleanGroups(source, span, sample)) {
    services.push(...group.services);
    for (const [key, scalings] of calibrateEdges(source.set.edges, group.edges, source.set.windows))
      edges.set(key, scalings);
    fetched += group.keys.length;
    onProgress?.({ phase: 'fetch', share: fetched / sample.length, detail: `${fetched} services` });
  }
  return { services, edges };
}

function reportEpoch({ epoch, epochs, ...losses }: TrainingProgress, onProgress?: OnProgress): void {
  const loss = (losses.validationLoss ?? losses.trainingLoss).toExponential(3);
  onProgress?.({ phase: 'train', share: epoch / epochs, detail: `epoch ${epoch}, validation loss ${loss}` });
}

function modelCard(
  { features, windows }: FeatureSet,
  steps: readonly number[],
  { fromMs, toMs }: TimeSpan,
  trained: Pick<ModelCardDraft['trained'], 'windows' | 'seconds'>,
  validationLoss: number | undefined,
): ModelCardDraft {
  return {
    features: features.map(({ name }) => name),
    windows: windows.map(formatDuration),
    steps: [...steps],
    trained: { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), ...trained },
    ...(validationLoss !== undefined && { validation_loss: validationLoss }),
  };
}
