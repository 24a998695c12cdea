import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { evaluationGraph, trainingGraph, type TrainingGraphOptions } from '../detectors/autoencoder/graphs.ts';
import { type AutoencoderWeights, parameterCount } from '../detectors/autoencoder/weights.ts';
import { openGraph } from '../network/session.ts';
import type { Batch } from './windows.ts';

/** The weights and Adam's state, as tensors. */
interface State {
  readonly weights: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
  readonly step: Tensor;
}

/** The weights and Adam's state, as plain arrays for checkpoints. */
export interface OptimiserState {
  readonly weights: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Steps taken so far. */
  readonly step: number;
}

/**
 * The training step and its state. There are two copies of the state: in each step, onnxruntime reads one and writes
 * the other, then they are swapped.
 */
export class TrainingStep {
  readonly #session: InferenceSession;
  readonly #loss = scalar();
  readonly #gradientNorm = scalar();
  readonly #learningRate = scalar();
  #current: State;
  #next: State;

  private constructor(session: InferenceSession, initial: AutoencoderWeights) {
    this.#session = session;
    const size = parameterCount(initial.shape);
    this.#current = emptyState(size);
    this.#next = emptyState(size);
    this.weights.set(initial.values);
  }

  static async open(
    initial: AutoencoderWeights,
    options: TrainingGraphOptions,
    threads: number,
  ): Promise<TrainingStep> {
    const session = await openGraph(trainingGraph(initial.shape, options), 'autoencoder_training', threads);
    return new TrainingStep(session, initial);
  }

  /** The current weights, a view that is valid until the step after the next. */
  get weights(): Float32Array {
    return floats(this.#current.weights);
  }

  get weightsTensor(): Tensor {
    return this.#current.weights;
  }

  /** A copy of the weights and Adam's state. */
  get state(): OptimiserState {
    const { weights, firstMoment, secondMoment, step } = this.#current;
    return {
      weights: floats(weights).slice(),
      firstMoment: floats(firstMoment).slice(),
      secondMoment: floats(secondMoment).slice(),
      step: read(step),
    };
  }

  set state(state: OptimiserState) {
    const { weights, firstMoment, secondMoment, step } = this.#current;
    floats(weights).set(state.weights);
    floats(firstMoment).set(state.firstMoment);
    floats(secondMoment).set(state.secondMoment);
    floats(step)[0] = state.step;
  }

  /** Takes one optimiser step; returns the loss before it. */
  async run(input: Batch, target: Batch, learningRate: number): Promise<number> {
    floats(this.#learningRate)[0] = learningRate;
    const { weights, firstMoment, secondMoment, step } = this.#current;
    await this.#session.run(
      {
        x: input.x,
        mask: input.mask,
        target: target.x,
        target_mask: target.mask,
        weights,
        first_moment: firstMoment,
        second_moment: secondMoment,
        step,
        learning_rate: this.#learningRate,
      },
      {
        loss: this.#loss,
        gradient_norm: this.#gradientNorm,
        weights_next: this.#next.weights,
        first_moment_next: this.#next.firstMoment,
        second_moment_next: this.#next.secondMoment,
        step_next: this.#next.step,
      },
    );
    [this.#current, this.#next] = [this.#next, this.#current];
    return read(this.#loss);
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

/** Computes the loss of weights on windows. */
export class Evaluation {
  readonly #session: InferenceSession;
  readonly #errorSum = scalar();
  readonly #observed = scalar();

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(
    shape: AutoencoderWeights['shape'],
    options: TrainingGraphOptions,
    threads: number,
  ): Promise<Evaluation> {
    return new Evaluation(await openGraph(evaluationGraph(shape, options), 'autoencoder_evaluation', threads));
  }

  /** Returns the sum of a batch's errors and the number of its observed entries. */
  async run(batch: Batch, weights: Tensor): Promise<{ errorSum: number; observed: number }> {
    const feeds = { x: batch.x, mask: batch.mask, weights };
    await this.#session.run(feeds, { error_sum: this.#errorSum, observed: this.#observed });
    return { errorSum: read(this.#errorSum), observed: read(this.#observed) };
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

function emptyState(size: number): State {
  const vector = () => new Tensor('float32', new Float32Array(size), [size]);
  return { weights: vector(), firstMoment: vector(), secondMoment: vector(), step: scalar() };
}

function scalar(): Tensor {
  return new Tensor('float32', new Float32Array(1), []);
}

function read(tensor: Tensor): number {
  return floats(tensor)[0]!;
}

function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
