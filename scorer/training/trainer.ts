import { autoencoderNetwork, type LossOptions } from '../detectors/autoencoder/graphs.ts';
import {
  autoencoderShape,
  type AutoencoderShape,
  type AutoencoderWeights,
  initialWeights,
} from '../detectors/autoencoder/weights.ts';
import {
  type NetworkTrainingOptions,
  type NetworkTrainingResult,
  TrainingError,
  trainNetwork,
} from './train-network.ts';
import { type Corruption, windowBatches, windowSource, type Windows, type WindowSource } from './windows.ts';

type NetworkOptions = Omit<NetworkTrainingOptions, 'init' | 'schedule' | 'validation'>;

/** Defaults other than `trainNetwork`'s: a learning rate of 5e-3, which decays along a cosine, and a patience of 5. */
export interface TrainingOptions extends NetworkOptions, Corruption, LossOptions {
  readonly steps: number;
  readonly features: number;
  /** Initial weights, for fine-tuning; they determine the network's shape. Default: random. */
  readonly init?: AutoencoderWeights;
  /** Overrides of the default network. */
  readonly network?: Partial<AutoencoderShape>;
}

export interface TrainingResult extends Omit<NetworkTrainingResult, 'values'> {
  /** The weights of the best epoch. */
  readonly weights: AutoencoderWeights;
}

/**
 * Trains the autoencoder.
 *
 * @throws TrainingError; the signal's reason if it aborts
 */
export async function train(windows: Windows | WindowSource, options: TrainingOptions): Promise<TrainingResult> {
  const { shape, values: init } = startingWeights(options);
  const batches = windowBatches(windowSource(windows, shape), shape, options);
  const { values, ...result } = await trainNetwork(autoencoderNetwork(shape, options), batches, {
    learningRate: 5e-3,
    patience: 5,
    ...options,
    schedule: 'cosine',
    init,
  });
  return { weights: { shape, values }, ...result };
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
