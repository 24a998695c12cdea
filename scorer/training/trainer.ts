import {
  autoencoderShape,
  type AutoencoderShape,
  type AutoencoderWeights,
  initialWeights,
} from '../detectors/autoencoder/weights.ts';
import { Random, type RandomPosition } from '../numeric/random.ts';
import { Evaluation, type OptimiserState, TrainingStep } from './training-step.ts';
import { BatchBuffer, corrupt, type Corruption, windowSource, type Windows, type WindowSource } from './windows.ts';

export interface TrainingOptions extends Corruption {
  readonly steps: number;
  readonly features: number;
  /** Maximum number of passes over the training windows. Default: 30. */
  readonly epochs?: number;
  /** Windows per batch. Default: 64. */
  readonly batch?: number;
  /** Initial learning rate; decays to 5 % of it along half a cosine (Loshchilov and Hutter 2017). Default: 5e-3. */
  readonly learningRate?: number;
  readonly weightDecay?: number;
  readonly clipNorm?: number;
  /** Errors beyond this count linearly (Huber 1964). Default: all errors count squared. */
  readonly huber?: number;
  readonly seed?: number;
  /** Share of the windows, the last ones, used for validation only. With 0, no early stopping. Default: 0.2. */
  readonly validationShare?: number;
  /** Training stops after this many epochs without a better validation loss. Default: 5. */
  readonly patience?: number;
  /** With 1, the result is reproducible bit for bit on the same kind of CPU. Default: 1. */
  readonly threads?: number;
  /** Initial weights, for fine-tuning; they determine the network's shape. Default: random. */
  readonly init?: AutoencoderWeights;
  /** Overrides of the default network. */
  readonly network?: Partial<AutoencoderShape>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** State of an unfinished run with the same options and windows, to resume from. */
  readonly resume?: TrainingState | undefined;
  /** Called with the state after an epoch, to be saved for `resume`. */
  readonly onState?: (state: TrainingState) => Promise<void>;
  /** Epochs between two calls of `onState`. Default: 1. */
  readonly stateEvery?: number;
  readonly signal?: AbortSignal;
}

export interface TrainingProgress {
  /** 1-based. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean loss of the epoch's batches, as corrupted. */
  readonly trainingLoss: number;
  /** Mean error of the observed entries of the validation windows; undefined without validation. */
  readonly validationLoss: number | undefined;
  readonly best: boolean;
}

export interface TrainingResult {
  /** The weights of the best epoch. */
  readonly weights: AutoencoderWeights;
  readonly history: readonly TrainingProgress[];
  /** 1-based; 0 if no epoch improved on the initial weights. */
  readonly bestEpoch: number;
  readonly validationLoss: number | undefined;
}

/** The complete state of a run after an epoch. */
export interface TrainingState {
  readonly optimiser: OptimiserState;
  readonly random: RandomPosition;
  /** Order of the training windows in the last epoch; the next epoch shuffles it further. */
  readonly order: Uint32Array;
  readonly best: BestEpoch;
  readonly history: readonly TrainingProgress[];
}

export interface BestEpoch {
  readonly weights: Float32Array;
  /** 1-based; 0 for the initial weights. */
  readonly epoch: number;
  readonly loss: number | undefined;
}

/** The training data is unusable, or training diverged. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly code: 'TRAINING_DATA' | 'TRAINING_DIVERGED';

  constructor(code: TrainingError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Final learning rate, as a share of the initial one. */
const FINAL_RATE_SHARE = 0.05;

/**
 * Trains the autoencoder. Memory use is constant over time: all batches share the same buffers.
 *
 * @throws TrainingError; the signal's reason if it aborts
 */
export async function train(windows: Windows | WindowSource, options: TrainingOptions): Promise<TrainingResult> {
  options.signal?.throwIfAborted();
  const initial = startingWeights(options);
  const source = windowSource(windows, initial.shape);
  const { threads = 1 } = options;
  const step = await TrainingStep.open(initial, options, threads);
  try {
    const evaluation = await Evaluation.open(initial.shape, options, threads);
    try {
      return await new TrainingRun(initial, source, step, evaluation, options).all();
    } finally {
      await evaluation.close();
    }
  } finally {
    await step.close();
  }
}

function startingWeights(options: TrainingOptions): AutoencoderWeights {
  const { init, steps, features, network, seed = 1 } = options;
  if (init === undefined) return initialWeights(autoencoderShape(steps, features, network), seed);
  if (init.shape.steps !== steps || init.shape.features !== features) {
    const got = `${init.shape.steps} steps and ${init.shape.features} features`;
    throw new TrainingError('TRAINING_DATA', `initial weights are for ${got}, not for ${steps} and ${features}`);
  }
  return init;
}

class TrainingRun {
  readonly #source: WindowSource;
  readonly #step: TrainingStep;
  readonly #evaluation: Evaluation;
  readonly #options: TrainingOptions;
  readonly #shape: AutoencoderShape;
  readonly #random: Random;
  readonly #order: Uint32Array;
  readonly #validation: Uint32Array;
  readonly #batch: number;
  readonly #epochs: number;
  readonly #input: BatchBuffer;
  readonly #target: BatchBuffer;

  constructor(
    initial: AutoencoderWeights,
    source: WindowSource,
    step: TrainingStep,
    evaluation: Evaluation,
    options: TrainingOptions,
  ) {
    const { batch = 64, epochs = 30, seed = 1, validationShare = 0.2 } = options;
    const validationCount = Math.floor(source.count * validationShare);
    const indices = Uint32Array.from({ length: source.count }, (_, index) => index);
    this.#order = indices.slice(0, source.count - validationCount);
    this.#validation = indices.slice(source.count - validationCount);
    if (this.#order.length === 0) {
      throw new TrainingError('TRAINING_DATA', `${source.count} windows are too few to train on`);
    }
    this.#source = source;
    this.#step = step;
    this.#evaluation = evaluation;
    this.#options = options;
    this.#shape = initial.shape;
    this.#random = new Random(seed);
    this.#batch = batch;
    this.#epochs = epochs;
    this.#input = new BatchBuffer(initial.shape, batch);
    this.#target = new BatchBuffer(initial.shape, batch);
  }

  async all(): Promise<TrainingResult> {
    const { patience = 5, stateEvery = 1, onProgress, onState, resume } = this.#options;
    let best = resume === undefined ? await this.#initialEpoch() : this.#restore(resume);
    const history: TrainingProgress[] = [...(resume?.history ?? [])];
    for (let epoch = history.length + 1; epoch <= this.#epochs && epoch <= best.epoch + patience; epoch++) {
      const trainingLoss = await this.#pass(epoch);
      const validationLoss = await this.#validate();
      const better = validationLoss === undefined || validationLoss < best.loss!;
      if (better) best = { weights: this.#step.weights.slice(), epoch, loss: validationLoss };
      const progress = { epoch, epochs: this.#epochs, trainingLoss, validationLoss, best: better };
      history.push(progress);
      onProgress?.(progress);
      if (epoch % stateEvery === 0) await onState?.(this.#state(best, history));
    }
    const weights = { shape: this.#shape, values: best.weights };
    return { weights, history, bestEpoch: best.epoch, validationLoss: best.loss };
  }

  async #initialEpoch(): Promise<BestEpoch> {
    return { weights: this.#step.weights.slice(), epoch: 0, loss: await this.#validate() };
  }

  #state(best: BestEpoch, history: readonly TrainingProgress[]): TrainingState {
    const { state: optimiser } = this.#step;
    return { optimiser, random: this.#random.position, order: this.#order.slice(), best, history: [...history] };
  }

  #restore({ optimiser, random, order, best }: TrainingState): BestEpoch {
    if (order.length !== this.#order.length || best.weights.length !== this.#step.weights.length) {
      throw new TrainingError('TRAINING_DATA', 'the state to resume from belongs to other windows or another network');
    }
    this.#step.state = optimiser;
    this.#random.position = random;
    this.#order.set(order);
    return best;
  }

  /** One pass over the training windows in random order; returns the mean loss. */
  async #pass(epoch: number): Promise<number> {
    const { learningRate = 5e-3, noise = 0, dropout = 0 } = this.#options;
    const corrupted = noise > 0 || dropout > 0;
    this.#random.shuffle(this.#order);
    let total = 0;
    for (let start = 0; start < this.#order.length; start += this.#batch) {
      this.#options.signal?.throwIfAborted();
      const indices = this.#order.subarray(start, start + this.#batch);
      const input = this.#input.load(this.#source, indices);
      const target = corrupted ? this.#target.load(this.#source, indices) : input;
      if (corrupted) corrupt(this.#input, indices.length, this.#shape, this.#random, this.#options);
      const progress = (epoch - 1 + start / this.#order.length) / this.#epochs;
      const loss = await this.#step.run(input, target, learningRate * rateShare(progress));
      if (!Number.isFinite(loss))
        throw new TrainingError('TRAINING_DIVERGED', `the loss became ${loss} in epoch ${epoch}`);
      total += loss * indices.length;
    }
    return total / this.#order.length;
  }

  /** The mean error over the observed entries of the validation windows. */
  async #validate(): Promise<number | undefined> {
    let errorSum = 0;
    let observed = 0;
    for (let start = 0; start < this.#validation.length; start += this.#batch) {
      this.#options.signal?.throwIfAborted();
      const batch = this.#input.load(this.#source, this.#validation.subarray(start, start + this.#batch));
      const part = await this.#evaluation.run(batch, this.#step.weightsTensor);
      errorSum += part.errorSum;
      observed += part.observed;
    }
    return this.#validation.length === 0 ? undefined : errorSum / Math.max(1, observed);
  }
}

/** The learning rate as a share of the initial one: from 1 to FINAL_RATE_SHARE along half a cosine. */
function rateShare(progress: number): number {
  return FINAL_RATE_SHARE + ((1 - FINAL_RATE_SHARE) * (1 + Math.cos(Math.PI * progress))) / 2;
}
