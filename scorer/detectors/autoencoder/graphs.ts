import { NEUTRAL } from '../../tensor/tensor.ts';
import { clip, leakyRelu, sigmoid } from '../../network/activations.ts';
import { add, mul, reshape, scale, sub } from '../../network/arithmetic.ts';
import { BATCH, Graph, type Value } from '../../network/graph.ts';
import { conv2d, dense } from '../../network/layers.ts';
import { type Parameters, storedParameters } from '../../network/parameters.ts';
import { maskedMean, sum } from '../../network/reductions.ts';
import type { Inputs, TrainableNetwork } from '../../network/training-graph.ts';
import { type AutoencoderShape, type AutoencoderWeights, parameterLayout } from './weights.ts';

/**
 * The autoencoder: [3, steps, features] -> 3x3 convolution to `filters` -> 3x3 convolution to `maps` -> dense
 * `bottleneck`, and the mirror image back. One definition yields three graphs: inference, training step and validation.
 *
 * Values are in 0..1. Entries with mask 0 are missing: the network sees the neutral 0.5 instead, and they don't
 * contribute to the loss.
 */

export interface LossOptions {
  /** Errors up to this size count squared, larger ones linearly (Huber 1964), against outliers in training data. */
  readonly huber?: number | undefined;
}

/**
 * Inputs: `x`, `mask` [batch, 3, steps, features]. Output: `reconstruction`, of the same shape. Contains the weights.
 */
export function inferenceGraph({ shape, values }: AutoencoderWeights): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, parameterLayout(shape), values);
  const [x, mask] = ['x', 'mask'].map((name) => graph.input(name, [BATCH, ...windowShape(shape)]));
  return graph.output('reconstruction', reconstruct(shape, parameters, x!, mask!));
}

/**
 * For the trainer. Inputs: `x`, `mask` (the network's input), `target`, `target_mask` (the desired reconstruction: the
 * same, or the original of a corrupted `x`). Validation reconstructs `x` itself: the mean error of its observed entries.
 */
export function autoencoderNetwork(shape: AutoencoderShape, { huber }: LossOptions = {}): TrainableNetwork {
  return {
    name: 'autoencoder',
    layout: parameterLayout(shape),
    inputs: ['x', 'mask', 'target', 'target_mask'].map((name) => ({ name, shape: windowShape(shape) })),
    loss: (inputs, parameters) => {
      const [x, mask, target, targetMask] = windowInputs(inputs);
      const error = errors(reconstruct(shape, parameters, x, mask), neutralised(target, targetMask), huber);
      return maskedMean(error, targetMask);
    },
    validation: (inputs, parameters) => {
      const [x, mask] = windowInputs(inputs);
      const error = errors(reconstruct(shape, parameters, x, mask), neutralised(x, mask), huber);
      return { sum: sum(mul(error, mask)), count: sum(mask) };
    },
  };
}

function windowShape({ channels, steps, features }: AutoencoderShape): number[] {
  return [channels, steps, features];
}

function windowInputs(inputs: Inputs): [x: Value, mask: Value, target: Value, targetMask: Value] {
  return [inputs['x']!, inputs['mask']!, inputs['target']!, inputs['target_mask']!];
}

/** The network's reconstruction of `x` [batch, channels, steps, features], of the same shape. */
export function reconstruct(shape: AutoencoderShape, parameters: Parameters, x: Value, mask: Value): Value {
  const { steps, features, maps, slope, output } = shape;
  const { graph } = x;
  const p = (name: string) => parameters.get(name);
  const convolve = (value: Value, name: string) => conv2d(value, p(`${name}.weight`), p(`${name}.bias`));
  const activate = (value: Value) => leakyRelu(value, slope);

  const centred = scale(sub(neutralised(x, mask), graph.scalar(NEUTRAL)), 2);
  const encoded = activate(convolve(activate(convolve(centred, 'encoder.0')), 'encoder.1'));
  const flat = reshape(encoded, [BATCH, maps * steps * features]);
  const code = dense(flat, p('encoder.2.weight'), p('encoder.2.bias'));
  const widened = activate(dense(code, p('decoder.0.weight'), p('decoder.0.bias')));
  const maps2d = reshape(widened, [BATCH, maps, steps, features]);
  const decoded = convolve(activate(convolve(maps2d, 'decoder.1')), 'decoder.2');
  return reshape(output === 'sigmoid' ? sigmoid(decoded) : add(decoded, graph.scalar(NEUTRAL)), x.shape);
}

/** Replaces missing entries by `NEUTRAL`. Multiplying by the mask wouldn't do: a missing entry may be NaN. */
function neutralised(x: Value, mask: Value): Value {
  const { graph, shape } = x;
  const observed = graph.emit('Greater', [mask, graph.scalar(0)], { shape });
  return graph.emit('Where', [observed, x, graph.scalar(NEUTRAL)], { shape });
}

/** Squared errors; with `huber` = d, errors beyond d count as 2 d |e| - d^2, which joins e^2 smoothly at d. */
function errors(reconstruction: Value, target: Value, huber: number | undefined): Value {
  const error = sub(reconstruction, target);
  if (huber === undefined) return mul(error, error);
  const near = clip(error, huber);
  return mul(near, sub(scale(error, 2), near));
}
