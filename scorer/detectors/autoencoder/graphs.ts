import { NEUTRAL } from '../../tensor/tensor.ts';
import { clip, leakyRelu, sigmoid } from '../../network/activations.ts';
import { add, mul, reshape, scale, sub } from '../../network/arithmetic.ts';
import { gradients } from '../../network/gradients.ts';
import { BATCH, Graph, type Value } from '../../network/graph.ts';
import { conv2d, dense } from '../../network/layers.ts';
import { adam, type AdamOptions } from '../../network/optimiser.ts';
import { maskedMean, sum } from '../../network/reductions.ts';
import { type AutoencoderShape, type AutoencoderWeights, parameterLayout, weightsOf } from './weights.ts';

/**
 * The autoencoder: [3, steps, features] -> 3x3 convolution to `filters` -> 3x3 convolution to `maps` -> dense
 * `bottleneck`, and the mirror image back. One definition yields three graphs: inference, training step and evaluation.
 *
 * Values are in 0..1. Entries with mask 0 are missing: the network sees the neutral 0.5 instead, and they don't
 * contribute to the loss.
 */

export interface LossOptions {
  /** Errors up to this size count squared, larger ones linearly (Huber 1964), against outliers in training data. */
  readonly huber?: number | undefined;
}

export interface TrainingGraphOptions extends LossOptions, AdamOptions {}

type Parameters = ReadonlyMap<string, Value>;

/**
 * Inputs: `x`, `mask` [batch, 3, steps, features]. Output: `reconstruction`, of the same shape. Contains the weights.
 */
export function inferenceGraph(weights: AutoencoderWeights): Graph {
  const graph = new Graph();
  const parameters = new Map(
    weightsOf(weights).map(({ name, shape, data }) => [name, graph.constant(name, data, shape)] as const),
  );
  const { x, mask } = windowInputs(graph, weights.shape);
  return graph.output('reconstruction', reconstruct(weights.shape, parameters, x, mask));
}

/**
 * Inputs: `x`, `mask` (the network's input), `target`, `target_mask` (the desired reconstruction: the same, or the
 * original of a corrupted `x`), `weights`, `first_moment`, `second_moment` [parameters], `step`, `learning_rate` [].
 * Outputs: `loss`, `gradient_norm` [], and `weights_next`, `first_moment_next`, `second_moment_next`, `step_next`.
 */
export function trainingGraph(shape: AutoencoderShape, options: TrainingGraphOptions = {}): Graph {
  const graph = new Graph();
  const { x, mask } = windowInputs(graph, shape);
  const targetMask = graph.input('target_mask', x.shape);
  const target = neutralised(graph.input('target', x.shape), targetMask);
  const { vector, parameters } = weightInput(graph, shape);
  const error = errors(reconstruct(shape, parameters, x, mask), target, options.huber);
  const loss = maskedMean(error, targetMask);

  const gradient = flatten(gradients(loss, [...parameters.values()]));
  const state = {
    step: graph.input('step', []),
    firstMoment: graph.input('first_moment', vector.shape),
    secondMoment: graph.input('second_moment', vector.shape),
  };
  const next = adam(vector, gradient, state, graph.input('learning_rate', []), decayed(graph, shape), options);
  return graph
    .output('loss', loss)
    .output('gradient_norm', next.gradientNorm)
    .output('weights_next', next.parameters)
    .output('first_moment_next', next.firstMoment)
    .output('second_moment_next', next.secondMoment)
    .output('step_next', next.step);
}

/** Inputs: `x`, `mask`, `weights`. Outputs: `error_sum` and `observed` []; their ratio over all batches is the loss. */
export function evaluationGraph(shape: AutoencoderShape, options: LossOptions = {}): Graph {
  const graph = new Graph();
  const { x, mask } = windowInputs(graph, shape);
  const { parameters } = weightInput(graph, shape);
  const error = errors(reconstruct(shape, parameters, x, mask), neutralised(x, mask), options.huber);
  return graph.output('error_sum', sum(mul(error, mask))).output('observed', sum(mask));
}

function windowInputs(graph: Graph, { channels, steps, features }: AutoencoderShape): { x: Value; mask: Value } {
  const shape = [BATCH, channels, steps, features];
  return { x: graph.input('x', shape), mask: graph.input('mask', shape) };
}

/** The input vector of all weights, and the weights of each layer as parts of it. */
function weightInput(graph: Graph, shape: AutoencoderShape): { vector: Value; parameters: Parameters } {
  const layout = parameterLayout(shape);
  const vector = graph.input('weights', [layout.reduce((total, { size }) => total + size, 0)]);
  const parts = graph.split(
    vector,
    layout.map(({ size }) => size),
  );
  return { vector, parameters: new Map(layout.map(({ name, shape: s }, i) => [name, reshape(parts[i]!, s)])) };
}

/** The network's reconstruction of `x` [batch, channels, steps, features], of the same shape. */
export function reconstruct(shape: AutoencoderShape, parameters: Parameters, x: Value, mask: Value): Value {
  const { steps, features, maps, slope, output } = shape;
  const { graph } = x;
  const p = (name: string) => parameters.get(name)!;
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

function flatten(values: readonly Value[]): Value {
  const { graph } = values[0]!;
  const flat = values.map((value) => reshape(value, [value.shape.reduce<number>((n, size) => n * Number(size), 1)]));
  const size = flat.reduce((total, value) => total + Number(value.shape[0]), 0);
  return graph.emit('Concat', flat, { shape: [size], attributes: { axis: { int: 0 } } });
}

/** A mask of the parameters, 1 where weight decay applies: to weights, not to biases. */
function decayed(graph: Graph, shape: AutoencoderShape): Value {
  const layout = parameterLayout(shape);
  const marks = layout.flatMap(({ size, fanIn }) => Array.from({ length: size }, () => Number(fanIn > 0)));
  return graph.constant('decayed', Float32Array.from(marks), [marks.length]);
}
