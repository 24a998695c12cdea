import { Tensor } from 'onnxruntime-node';
import { mul } from './arithmetic.ts';
import { gradients } from './gradients.ts';
import { Graph, type Value } from './graph.ts';
import type { OnnxType, Shape } from './onnx.ts';
import { Random } from '../numeric/random.ts';
import { sum } from './reductions.ts';
import { openGraph } from './session.ts';

/** An input under test: its shape in the graph, and its data, for a batch of 3 where the shape has a batch. */
export interface CheckedInput {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** An input of indices, which has no gradient. */
export interface IndexInput {
  readonly shape: Shape;
  readonly data: BigInt64Array;
}

export interface GradientCheck {
  /** Maximum of `|analytic - numeric| / (largest |gradient| of that input)` over the entries tried. */
  readonly error: number;
  /** Number of entries compared. */
  readonly tried: number;
}

const BATCH_SIZE = 3;

/**
 * Compares the gradients of `build(inputs)` with central differences, `(f(x + h) - f(x - h)) / 2h`, where f is the dot
 * product of the result with fixed random weights. It is summed in double precision, because the rounding of a float32
 * sum would exceed the differences.
 *
 * @param step h: large compared with float32's rounding, small compared with the curvature of the function; smaller for
 * functions with kinks, which a step may cross
 * @param samples entries to perturb per input; further ones would test the same rule again
 */
export async function checkGradients(
  inputs: readonly (CheckedInput | IndexInput)[],
  build: (...values: Value[]) => Value,
  { samples = 24, seed = 1, step = 1e-2 } = {},
): Promise<GradientCheck> {
  const graph = new Graph();
  const values = inputs.map(({ shape, data }, index) => graph.input(`x${index}`, shape, typeOf(data)));
  const result = build(...values);
  const weights = graph.input('weights', result.shape);
  graph.output('result', result);
  const checked = values.filter(({ type }) => type === 'float32');
  for (const [index, gradient] of gradients(sum(mul(result, weights)), checked).entries()) {
    graph.output(`gradient_${checked[index]!.name}`, gradient);
  }
  const session = await openGraph(graph, 'gradient_check');
  try {
    const random = new Random(seed);
    const weightTensor = randomTensor(dimensions(result.shape), random);
    const run = async () => {
      const feeds: Record<string, Tensor> = { weights: weightTensor };
      inputs.forEach(({ shape, data }, index) => (feeds[`x${index}`] = tensorOf(data, dimensions(shape))));
      return session.run(feeds);
    };
    const analytic = await run();
    let error = 0;
    let tried = 0;
    for (const [index, { data }] of inputs.entries()) {
      if (data instanceof BigInt64Array) continue;
      const gradient = (analytic[`gradient_x${index}`] as Tensor).data as Float32Array;
      const size = gradient.reduce((largest, entry) => Math.max(largest, Math.abs(entry)), 1e-3);
      for (const entry of sampleEntries(data.length, samples, random)) {
        const numeric = await centralDifference(data, entry, step, async () =>
          dot((await run())['result'] as Tensor, weightTensor),
        );
        error = Math.max(error, Math.abs(numeric - gradient[entry]!) / size);
        tried++;
      }
    }
    return { error, tried };
  } finally {
    await session.release();
  }
}

/** Random entries in `low`..`high`, for a batch of 3. */
export function randomInput(shape: Shape, { low = -1, high = 1, seed = 7 } = {}): CheckedInput {
  const random = new Random(seed);
  const size = dimensions(shape).reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, () => low + (high - low) * random.uniform()) };
}

function typeOf(data: Float32Array | BigInt64Array): OnnxType {
  return data instanceof Float32Array ? 'float32' : 'int64';
}

function tensorOf(data: Float32Array | BigInt64Array, shape: number[]): Tensor {
  return data instanceof Float32Array ? new Tensor('float32', data, shape) : new Tensor('int64', data, shape);
}

async function centralDifference(
  data: Float32Array,
  entry: number,
  step: number,
  evaluate: () => Promise<number>,
): Promise<number> {
  const original = data[entry]!;
  data[entry] = original + step;
  const above = data[entry];
  const upper = await evaluate();
  data[entry] = original - step;
  const below = data[entry];
  const lower = await evaluate();
  data[entry] = original;
  return (upper - lower) / (above - below);
}

function dimensions(shape: Shape): number[] {
  return shape.map((size) => (typeof size === 'number' ? size : BATCH_SIZE));
}

function randomTensor(shape: number[], random: Random): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, () => 2 * random.uniform() - 1),
    shape,
  );
}

function sampleEntries(length: number, samples: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  random.shuffle(order);
  return order.subarray(0, samples);
}

function dot(result: Tensor, weights: Tensor): number {
  const [a, b] = [result.data as Float32Array, weights.data as Float32Array];
  return a.reduce((total, value, index) => total + value * b[index]!, 0);
}
