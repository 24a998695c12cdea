import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { abs, clip, leakyRelu, relu, sigmoid, square, tanh } from '../network/activations.ts';
import { add, div, mul, neg, reshape, scale, sub } from '../network/arithmetic.ts';
import { checkGradients, type CheckedInput, randomInput } from '../network/gradient-check.ts';
import { gradients } from '../network/gradients.ts';
import { BATCH, Graph, GraphError, type Value } from '../network/graph.ts';
import { conv2d, dense, matmul } from '../network/layers.ts';
import { maskedMean, mean, sum } from '../network/reductions.ts';
import { openGraph } from '../network/session.ts';

const TOLERANCE = 2e-3;

/** Moves entries away from 0 (and from +-0.5), where functions with a kink have no derivative to compare with. */
function awayFromKinks(input: CheckedInput): CheckedInput {
  const data = input.data.map((x) => {
    const nearest = [-0.5, 0, 0.5].find((kink) => Math.abs(x - kink) < 0.05);
    return nearest === undefined ? x : nearest + 0.05 + Math.abs(x - nearest);
  });
  return { shape: input.shape, data };
}

const vector = (seed: number) => randomInput([BATCH, 5], { seed });
const kinked = awayFromKinks(vector(3));
const mask = Float32Array.from({ length: 15 }, (_, i) => Number(i % 3 > 0));
const kernel = randomInput([2, 2, 3, 3]).data;

const cases: readonly [string, readonly CheckedInput[], (...values: Value[]) => Value][] = [
  ['add', [vector(1), vector(2)], add],
  ['add a bias', [vector(1), randomInput([5])], add],
  ['sub', [vector(1), vector(2)], sub],
  ['mul', [vector(1), vector(2)], mul],
  ['mul by a scalar', [vector(1), randomInput([])], mul],
  ['mul by one a channel', [randomInput([BATCH, 4, 3, 2]), randomInput([4, 1, 1])], mul],
  ['div', [vector(1), randomInput([BATCH, 5], { low: 1, high: 2 })], div],
  ['div by a scalar', [vector(1), randomInput([], { low: 1, high: 2 })], div],
  ['neg', [vector(1)], neg],
  ['scale', [vector(1)], (x) => scale(x, -1.5)],
  ['relu', [kinked], relu],
  ['leaky relu', [kinked], (x) => leakyRelu(x, 0.2)],
  ['sigmoid', [vector(1)], sigmoid],
  ['tanh', [vector(1)], tanh],
  ['square', [vector(1)], square],
  ['abs', [kinked], abs],
  ['clip', [kinked], (x) => clip(x, 0.5)],
  ['sum', [vector(1)], (x) => sum(square(x))],
  ['mean', [vector(1)], (x) => mean(square(x))],
  ['masked mean', [randomInput([3, 5])], (x) => maskedMean(square(x), x.graph.constant('mask', mask, [3, 5]))],
  ['reshape', [vector(1)], (x) => reshape(square(x), [5, BATCH])],
  ['matmul', [vector(1), randomInput([5, 4])], matmul],
  ['dense', [vector(1), randomInput([5, 4]), randomInput([4])], dense],
  ['conv2d 3x3', [randomInput([BATCH, 2, 5, 4]), randomInput([3, 2, 3, 3]), randomInput([3])], conv2d],
  ['conv2d 1x1', [randomInput([BATCH, 2, 5, 4]), randomInput([3, 2, 1, 1]), randomInput([3])], conv2d],
  ['conv2d 5x3', [randomInput([BATCH, 2, 5, 4]), randomInput([3, 2, 5, 3]), randomInput([3])], conv2d],
  ['a value used twice', [vector(1)], (x) => mul(tanh(x), add(x, square(x)))],
];

describe('gradients', () => {
  it.each(cases)('of %s agree with central differences', async (_name, inputs, build) => {
    const { error, tried } = await checkGradients(inputs, build);
    expect(tried).toBeGreaterThan(0);
    expect(error).toBeLessThan(TOLERANCE);
  });

  // Mistakes that are easily made; the check must see each of them.
  it.each<[string, readonly CheckedInput[], (...values: Value[]) => Value]>([
    ['a forgotten factor', [vector(1)], (x) => wrong(x, 'Tanh', (dy) => dy)],
    ['a gradient of slightly wrong size', [vector(1)], (x) => wrong(x, 'Neg', (dy) => scale(dy, -1.01))],
    [
      'a kernel that is not flipped',
      [randomInput([BATCH, 2, 5, 4])],
      (x) => {
        const w = x.graph.constant('kernel', kernel, [2, 2, 3, 3]);
        const attributes = { kernel_shape: { ints: [3, 3] }, pads: { ints: [1, 1, 1, 1] } };
        return x.graph.emit('Conv', [x, w], {
          shape: x.shape,
          attributes,
          gradients: [(dy) => x.graph.emit('Conv', [dy, w], { shape: x.shape, attributes }), () => w],
        });
      },
    ],
  ])('that are wrong are caught: %s', async (_name, inputs, build) => {
    expect((await checkGradients(inputs, build)).error).toBeGreaterThan(TOLERANCE * 2);
  });

  function wrong(x: Value, operator: string, rule: (dy: Value) => Value): Value {
    return x.graph.emit(operator, [x], { shape: x.shape, gradients: [rule] });
  }

  it('refuse a loss that is no scalar or is independent of a value', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2]), graph.input('y', [2])];
    expect(() => gradients(square(x), [x])).toThrow(GraphError);
    expect(() => gradients(sum(square(x)), [y])).toThrow("doesn't depend on y");
  });
});

describe('operations', () => {
  it('compute what their names say', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3]);
    graph
      .output('leaky', leakyRelu(x, 0.1))
      .output('clip', clip(x, 1))
      .output('mean', mean(x))
      .output('masked', maskedMean(x, graph.constant('mask', Float32Array.of(1, 0, 1, 0, 0, 0), [2, 3])))
      .output('nothing', maskedMean(x, graph.constant('none', new Float32Array(6), [2, 3])));
    const [left, right] = graph.split(graph.constant('vector', Float32Array.of(1, 2, 3), [3]), [1, 2]);
    graph.output('left', left!).output('right', right!);
    const session = await openGraph(graph, 'operations');
    const result = await session.run({ x: new Tensor('float32', Float32Array.of(-2, 0, 2, 4, -1, 3), [2, 3]) });
    const numbers = (name: string) =>
      Array.from((result[name] as Tensor).data as Float32Array, (n) => Math.round(n * 1e4) / 1e4);
    expect(numbers('leaky')).toEqual([-0.2, 0, 2, 4, -0.1, 3]);
    expect(numbers('clip')).toEqual([-1, 0, 1, 1, -1, 1]);
    expect(numbers('mean')).toEqual([1]);
    expect(numbers('masked')).toEqual([0]);
    expect(numbers('nothing')).toEqual([0]);
    expect(numbers('left')).toEqual([1]);
    expect(numbers('right')).toEqual([2, 3]);
    await session.release();
  });

  it.each<[string, (graph: Graph) => unknown]>([
    ['broadcast', (g) => add(g.input('a', [2, 3]), g.input('b', [2, 4]))],
    ['multiplied', (g) => matmul(g.input('a', [2, 3]), g.input('b', [2, 4]))],
    ['channels', (g) => conv2d(g.input('a', [BATCH, 3, 4, 4]), g.input('w', [2, 2, 3, 3]), g.input('b', [2]))],
    ['odd kernel sizes', (g) => conv2d(g.input('a', [BATCH, 2, 4, 4]), g.input('w', [2, 2, 2, 2]), g.input('b', [2]))],
    ['expected 4 values', (g) => g.constant('c', new Float32Array(3), [2, 2])],
  ])('name shapes that do not fit: %s', (message, build) => {
    expect(() => build(new Graph())).toThrow(message);
  });
});
