import type { AdamOptions } from '../network/optimiser.ts';
import { initialValues, layoutSize } from '../network/parameters.ts';
import type { TrainableNetwork } from '../network/training-graph.ts';
import { Random, type RandomPosition } from '../numeric/random.ts';
import { BatchBuffers, type BatchSource } from './batch.ts';
import { NetworkStep, NetworkValidation, type OptimiserState } from './network-step.ts';
import { rateShare, type Schedule } from './schedule.ts';

export interface NetworkTrainingOptions extends AdamOptions {
  /** Maximum number of passes over the training examples. Default: 30. */
  readonly epochs?: number;
  /** Examples per batch. Default: 64. */
  readonly batch?: number;
  /** Initial learning rate. Default: 1e-3. */
  readonly learningRate?: number;
  /** Default: `constant`. */
  readonly schedule?: Schedule;
  readonly seed?: number;
  /** Share of the examples, the last ones, used for validation only. With 0, no early stopping. Default: 0.2. */
  readonly validationShare?: number;
  /** Examples to validate with, in place of a share. */
  readonly validation?: BatchSource;
  /** Training stops after this many epochs without a better validation loss. Default: it doesn't. */
  readonly patience?: number;
  /** With 1, the result is reproducible bit for bit on the same kind of CPU. Default: 1. */
  readonly threads?: number;
  /** Initial values of all parameters, for fine-tuning. Default: random. */
  readonly init?: Float32Array;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** State of an unfinished run with the same options and examples, to resume from. */
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
  /** Undefined without validation. */
  readonly validationLoss: number | undefined;
  readonly best: boolean;
}

export interface NetworkTrainingResult {
  /** The parameters after the best epoch, in the order of the layout. */
  readonly values: Float32Array;
  readonly history: readonly TrainingProgress[];
  /** 1-based; 0 if no epoch improved on the initial weights. */
  readonly bestEpoch: number;
  readonly validationLoss: number | undefined;
}

/** The complete state of a run after an epoch. */
export interface TrainingState {
  readonly optimiser: OptimiserState;
  readonly random: RandomPosition;
  /** Order of the training examples in the last epoch; the next epoch shuffles it further. */
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

/**
 * Trains a network with Adam. Memory use is constant over time: all batches share the same buffers.
 *
 * @throws TrainingError; the signal's reason if it aborts
 */
export async function trainNetwork(
  network: TrainableNetwork,
  source: BatchSource,
  options: NetworkTrainingOptions = {},
): Promise<NetworkTrainingResult> {
  const { threads = 1, signal } = options;
  signal?.throwIfAborted();
  const step = await NetworkStep.open(network, startingValues(network, options), options, threads);
  try {
    const validation = await NetworkValidation.open(network, threads);
    try {
      return await new TrainingRun(network, source, step, validation, options).all();
    } finally {
      await validation.close();
    }
  } finally {
    await step.close();
  }
}

function startingValues({ layout }: TrainableNetwork, { init, seed = 1 }: NetworkTrainingOptions): Float32Array {
  if (init === undefined) return initialValues(layout, seed);
  if (init.length === layoutSize(layout)) return init;
  throw new TrainingError('TRAINING_DATA', `expected ${layoutSize(layout)} initial weights, got ${init.length}`);
}

/** Examples of a source. */
interface Examples {
  readonly source: BatchSource;
  readonly indices: Uint32Array;
}

class TrainingRun {
  readonly #training: Examples;
  readonly #validation: Examples;
  readonly #step: NetworkStep;
  readonly #evaluation: NetworkValidation;
  readonly #options: NetworkTrainingOptions;
  readonly #random: Random;
  readonly #batch: number;
  readonly #epochs: number;
  readonly #buffers: BatchBuffers;

  constructor(
    network: TrainableNetwork,
    source: BatchSource,
    step: NetworkStep,
    evaluation: NetworkValidation,
    options: NetworkTrainingOptions,
  ) {
    const { batch = 64, epochs = 30, seed = 1 } = options;
    [this.#training, this.#validation] = divide(source, options);
    this.#step = step;
    this.#evaluation = evaluation;
    this.#options = options;
    this.#random = new Random(seed);
    this.#batch = batch;
    this.#epochs = epochs;
    this.#buffers = new BatchBuffers(network.inputs, batch);
  }

  async all(): Promise<NetworkTrainingResult> {
    const { patience = Infinity, stateEvery = 1, onProgress, onState, resume } = this.#options;
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
    return { values: best.weights, history, bestEpoch: best.epoch, validationLoss: best.loss };
  }

  async #initialEpoch(): Promise<BestEpoch> {
    return { weights: this.#step.weights.slice(), epoch: 0, loss: await this.#validate() };
  }

  #state(best: BestEpoch, history: readonly TrainingProgress[]): TrainingState {
    const { state: optimiser } = this.#step;
    const order = this.#training.indices.slice();
    return { optimiser, random: this.#random.position, order, best, history: [...history] };
  }

  #restore({ optimiser, random, order, best }: TrainingState): BestEpoch {
    const { indices } = this.#training;
    if (order.length !== indices.length || best.weights.length !== this.#step.weights.length) {
      throw new TrainingError('TRAINING_DATA', 'the state to resume from belongs to other windows or another network');
    }
    this.#step.state = optimiser;
    this.#random.position = random;
    indices.set(order);
    return best;
  }

  /** One pass over the training examples in random order; returns the mean loss. */
  async #pass(epoch: number): Promise<number> {
    const { learningRate = 1e-3, schedule = 'constant' } = this.#options;
    const { source, indices: order } = this.#training;
    this.#random.shuffle(order);
    let total = 0;
    for (let start = 0; start < order.length; start += this.#batch) {
      this.#options.signal?.throwIfAborted();
      const indices = order.subarray(start, start + this.#batch);
      const inputs = this.#buffers.load(source, indices, this.#random);
      const progress = (epoch - 1 + start / order.length) / this.#epochs;
      const loss = await this.#step.run(inputs, learningRate * rateShare(schedule, progress));
      if (!Number.isFinite(loss))
        throw new TrainingError('TRAINING_DIVERGED', `the loss became ${loss} in epoch ${epoch}`);
      total += loss * indices.length;
    }
    return total / order.length;
  }

  async #validate(): Promise<number | undefined> {
    const { source, indices } = this.#validation;
    let sum = 0;
    let count = 0;
    for (let start = 0; start < indices.length; start += this.#batch) {
      this.#options.signal?.throwIfAborted();
      const batch = indices.subarray(start, start + this.#batch);
      const inputs = this.#buffers.load(source, batch, undefined);
      const part = await this.#evaluation.run(inputs, this.#step.weightsTensor, batch.length);
      sum += part.sum;
      count += part.count;
    }
    return indices.length === 0 ? undefined : sum / Math.max(1, count);
  }
}

/** The examples to train on and those to validate with. */
function divide(
  source: BatchSource,
  { validation, validationShare = 0.2 }: NetworkTrainingOptions,
): [training: Examples, validation: Examples] {
  const indices = range(source.count);
  const trained = validation === undefined ? source.count - Math.floor(source.count * validationShare) : source.count;
  if (trained === 0) throw new TrainingError('TRAINING_DATA', `${source.count} windows are too few to train on`);
  return [
    { source, indices: indices.slice(0, trained) },
    validation === undefined
      ? { source, indices: indices.slice(trained) }
      : { source: validation, indices: range(validation.count) },
  ];
}

function range(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => index);
}
