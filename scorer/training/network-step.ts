import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { AdamOptions } from '../network/optimiser.ts';
import { openGraph } from '../network/session.ts';
import { type TrainableNetwork, trainingGraph, validationGraph } from '../network/training-graph.ts';

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

/** A network's inputs by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

/**
 * The training step and its state. There are two copies of the state: in each step, onnxruntime reads one and writes
 * the other, then they are swapped.
 */
export class NetworkStep {
  readonly #session: InferenceSession;
  readonly #loss = scalar();
  readonly #gradientNorm = scalar();
  readonly #learningRate = scalar();
  #current: State;
  #next: State;

  private constructor(session: InferenceSession, initial: Float32Array) {
    this.#session = session;
    this.#current = emptyState(initial.length);
    this.#next = emptyState(initial.length);
    this.weights.set(initial);
  }

  /** @param initial all parameters, in the order of the layout */
  static async open(
    network: TrainableNetwork,
    initial: Float32Array,
    options: AdamOptions,
    threads: number,
  ): Promise<NetworkStep> {
    const session = await openGraph(trainingGraph(network, options), `${network.name}_training`, threads);
    return new NetworkStep(session, initial);
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
  async run(inputs: Feeds, learningRate: number): Promise<number> {
    floats(this.#learningRate)[0] = learningRate;
    const { weights, firstMoment, secondMoment, step } = this.#current;
    const state = { weights, first_moment: firstMoment, second_moment: secondMoment, step };
    await this.#session.run(
      { ...inputs, ...state, learning_rate: this.#learningRate },
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

/** Computes the validation loss of weights. */
export class NetworkValidation {
  readonly #session: InferenceSession;
  readonly #hasParts: boolean;
  readonly #sum = scalar();
  readonly #count = scalar();

  private constructor(session: InferenceSession, hasParts: boolean) {
    this.#session = session;
    this.#hasParts = hasParts;
  }

  static async open(network: TrainableNetwork, threads: number): Promise<NetworkValidation> {
    const session = await openGraph(validationGraph(network), `${network.name}_validation`, threads);
    return new NetworkValidation(session, network.validation !== undefined);
  }

  /** A batch's part of the validation loss, which is the total of the sums divided by that of the counts. */
  async run(inputs: Feeds, weights: Tensor, examples: number): Promise<{ sum: number; count: number }> {
    const feeds = { ...inputs, weights };
    if (this.#hasParts) {
      await this.#session.run(feeds, { sum: this.#sum, count: this.#count });
      return { sum: read(this.#sum), count: read(this.#count) };
    }
    await this.#session.run(feeds, { loss: this.#sum });
    return { sum: read(this.#sum) * examples, count: examples };
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
