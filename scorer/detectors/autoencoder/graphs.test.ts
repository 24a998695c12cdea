import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { checkGradients, randomInput } from '../../network/gradient-check.ts';
import { Graph, type Value } from '../../network/graph.ts';
import type { AdamOptions } from '../../network/optimiser.ts';
import { Parameters } from '../../network/parameters.ts';
import { openGraph } from '../../network/session.ts';
import { trainingGraph, validationGraph } from '../../network/training-graph.ts';
import { autoencoderNetwork, inferenceGraph, type LossOptions, reconstruct } from './graphs.ts';
import { autoencoderShape, initialWeights, parameterCount, parameterLayout, weightsOf } from './weights.ts';

const small = autoencoderShape(4, 3, { filters: 5, maps: 2, bottleneck: 4 });
const windows = 3;
const dims = [windows, 3, 4, 3];
const entries = windows * 36;
const x = randomInput(dims, { low: 0, high: 1, seed: 11 }).data;
const mask = Float32Array.from({ length: entries }, (_, i) => Number(i % 5 > 0));
const tensor = (data: Float32Array, shape: readonly number[] = dims) => new Tensor('float32', data, shape);
const scalar = (value: number) => tensor(Float32Array.of(value), []);
const number = (value: unknown) => ((value as Tensor).data as Float32Array)[0]!;

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Readonly<Record<string, Tensor>>> {
  const session = await openGraph(graph, 'test');
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

function stepGraph(options: LossOptions & AdamOptions = {}): Graph {
  return trainingGraph(autoencoderNetwork(small, options), options);
}

function stepFeeds(values: Float32Array, changes: Record<string, Tensor> = {}): Record<string, Tensor> {
  const zero = () => tensor(new Float32Array(values.length), [values.length]);
  const weights = tensor(values, [values.length]);
  const state = { weights, first_moment: zero(), second_moment: zero(), step: scalar(0), learning_rate: scalar(0.01) };
  return { x: tensor(x), mask: tensor(mask), target: tensor(x), target_mask: tensor(mask), ...state, ...changes };
}

describe('the network', () => {
  it('has the number of weights that its description says', () => {
    expect(parameterCount(autoencoderShape(10, 14))).toBe(38_487);
    expect(parameterCount(small)).toBe(initialWeights(small, 1).values.length);
  });

  it('starts from weights that depend on the seed only, with biases 0', () => {
    const weights = initialWeights(small, 3);
    expect(initialWeights(small, 3).values).toEqual(weights.values);
    expect(initialWeights(small, 4).values).not.toEqual(weights.values);
    for (const { fanIn, data } of weightsOf(weights)) expect(data.some((w) => w !== 0)).toBe(fanIn > 0);
  });

  // Without bends the differences are nearly exact; with them, a step has to be small to cross few.
  it.each([
    ['bent', small, 3e-4, 1e-2],
    ['without bends', { ...small, slope: 1 }, 1e-2, 5e-4],
    ['without bends, linear output', { ...small, slope: 1, output: 'linear' as const }, 1e-2, 5e-4],
  ])('has right gradients for every weight tensor, all layers together: %s', async (_name, shape, step, tolerance) => {
    const weights = weightsOf(initialWeights(shape, 5));
    const inputs = weights.map((spec, i) => ({
      shape: spec.shape,
      // Biases away from 0, so that few activations are near their kink.
      data: spec.fanIn > 0 ? spec.data : randomInput(spec.shape, { low: 0.1, high: 0.5, seed: i }).data,
    }));
    const build = (...values: Value[]) => {
      const { graph } = values[0]!;
      const parameters = new Parameters(weights.map(({ name }, i) => [name, values[i]!]));
      return reconstruct(shape, parameters, graph.constant('x', x, dims), graph.constant('mask', mask, dims));
    };
    const { error, tried } = await checkGradients(inputs, build, { step });
    expect(tried).toBeGreaterThan(12 * 2);
    expect(error).toBeLessThan(tolerance);
  });
});

describe('missing entries', () => {
  const corrupted = x.map((value, i) => (mask[i] === 1 ? value : [Number.NaN, 7, Number.POSITIVE_INFINITY][i % 3]!));
  const weights = initialWeights(small, 1);

  it('change nothing in the reconstruction, whatever they hold', async () => {
    const graph = () => inferenceGraph(weights);
    const clean = await run(graph(), { x: tensor(x), mask: tensor(mask) });
    const dirty = await run(graph(), { x: tensor(corrupted), mask: tensor(mask) });
    expect(dirty['reconstruction']!.data).toEqual(clean['reconstruction']!.data);
  });

  it('change nothing in the loss or in the step', async () => {
    const clean = await run(stepGraph(), stepFeeds(weights.values));
    const changes = { x: tensor(corrupted), target: tensor(corrupted) };
    const dirty = await run(stepGraph(), stepFeeds(weights.values, changes));
    expect(number(dirty['loss'])).toBe(number(clean['loss']));
    expect(dirty['weights_next']!.data).toEqual(clean['weights_next']!.data);
  });

  it('are the only thing that the loss leaves out', async () => {
    const reconstruction = await run(inferenceGraph(weights), { x: tensor(x), mask: tensor(mask) });
    const rebuilt = reconstruction['reconstruction']!.data as Float32Array;
    const observed = mask.reduce((sum, mark) => sum + mark, 0);
    const squares = x.reduce((sum, value, i) => sum + mask[i]! * (value - rebuilt[i]!) ** 2, 0);
    const step = await run(stepGraph(), stepFeeds(weights.values));
    expect(number(step['loss'])).toBeCloseTo(squares / observed, 6);
    const vector = tensor(weights.values, [weights.values.length]);
    const feeds = { x: tensor(x), mask: tensor(mask), target: tensor(x), target_mask: tensor(mask), weights: vector };
    const validation = await run(validationGraph(autoencoderNetwork(small)), feeds);
    expect(number(validation['sum'])).toBeCloseTo(squares, 4);
    expect(number(validation['count'])).toBe(observed);
  });
});

describe('a training step', () => {
  it('goes against the gradient: the first change of each weight is the learning rate, where the gradient is not tiny', async () => {
    const weights = initialWeights(small, 1);
    const result = await run(stepGraph(), stepFeeds(weights.values));
    const next = result['weights_next']!.data as Float32Array;
    const steps = next.map((w, i) => Math.abs(w - weights.values[i]!));
    expect(Math.max(...steps)).toBeCloseTo(0.01, 5);
    expect(steps.filter((s) => s > 0.0099).length).toBeGreaterThan(steps.length * 0.9);
    expect(number(result['step_next'])).toBe(1);
    const after = await run(stepGraph(), stepFeeds(next));
    expect(number(after['loss'])).toBeLessThan(number(result['loss']));
  });

  it('counts large errors linearly with a Huber loss, small ones as before', async () => {
    const { values } = initialWeights(small, 1);
    const squared = number((await run(stepGraph(), stepFeeds(values)))['loss']);
    const wide = number((await run(stepGraph({ huber: 10 }), stepFeeds(values)))['loss']);
    const narrow = number((await run(stepGraph({ huber: 0.1 }), stepFeeds(values)))['loss']);
    expect(wide).toBeCloseTo(squared, 6);
    expect(narrow).toBeLessThan(squared * 0.9);
  });

  it('shrinks weights, not biases, where weight decay is on', async () => {
    const values = initialWeights(small, 1).values.fill(0.5);
    const plain = (await run(stepGraph(), stepFeeds(values)))['weights_next']!.data as Float32Array;
    const options = { weightDecay: 0.1 };
    const shrunk = (await run(stepGraph(options), stepFeeds(values)))['weights_next']!.data as Float32Array;
    let offset = 0;
    for (const { name, size, fanIn } of parameterLayout(small)) {
      const expected = fanIn > 0 ? 0.01 * 0.1 * 0.5 : 0;
      expect(plain[offset]! - shrunk[offset]!, name).toBeCloseTo(expected, 6);
      offset += size;
    }
  });
});
