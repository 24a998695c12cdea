import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { exp, log, square } from '../activations.ts';
import { add, mul, reshape } from '../arithmetic.ts';
import { checkGradients, type CheckedInput, type IndexInput, randomInput } from '../gradient-check.ts';
import { gradients } from '../gradients.ts';
import { BATCH, Graph, GraphError, type Operation, type Value } from '../graph.ts';
import { sum, sumLast } from '../reductions.ts';
import { openGraph } from '../session.ts';
import { concat, repeat, slice, squeeze, transpose, unsqueeze } from '../shaping.ts';
import { conv1d, maxPool1d } from './convolution.ts';
import { dropout } from './dropout.ts';
import { embedding } from './embedding.ts';
import { gru } from './gru.ts';
import { lstm } from './lstm.ts';
import { logSoftmax, softmax, softmaxCrossEntropy } from './softmax.ts';
import { reparameterise, standardNormalDivergence } from './variational.ts';

const TOLERANCE = 2e-3;

type Case = readonly [string, readonly (CheckedInput | IndexInput)[], (...values: Value[]) => Value];

const matrix = (seed: number) => randomInput([BATCH, 5], { seed });
const series = (seed = 7) => randomInput([BATCH, 2, 7], { seed });
const positive = randomInput([BATCH, 5], { low: 0.5, high: 2 });
const indices = (shape: readonly (number | string)[], entries: readonly number[]): IndexInput => ({
  shape,
  data: BigInt64Array.from(entries, BigInt),
});
const shares = { shape: [BATCH, 5], data: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0.25, 0.5, 0.25, 0) };
const classes = indices([BATCH], [4, 0, 2]);
/** Two of the rows twice, one not at all. */
const rows = indices([BATCH, 3], [0, 2, 2, 3, 1, 0, 0, 2, 3]);
/** No two entries as near each other as a step of the differences. */
const apart: CheckedInput = {
  shape: [BATCH, 2, 7],
  data: Float32Array.from({ length: 42 }, (_, i) => ((i * 17) % 42) / 21 - 1),
};

/** x [batch, 4, 3], weights of 5 units, initial states. */
const recurrent = (blocks: number): CheckedInput[] => [
  randomInput([BATCH, 4, 3], { seed: 1 }),
  randomInput([blocks * 5, 3], { seed: 2 }),
  randomInput([blocks * 5, 5], { seed: 3 }),
  randomInput([2, blocks * 5], { seed: 4 }),
  randomInput([BATCH, 5], { seed: 5 }),
  randomInput([BATCH, 5], { seed: 6 }),
];
const weights = (values: readonly Value[]) => ({ input: values[1]!, recurrent: values[2]!, bias: values[3]! });
const runGru = (values: readonly Value[]) => gru(values[0]!, weights(values), values[4]);
const runLstm = (values: readonly Value[]) => {
  const [hidden, cell] = values.slice(4);
  return lstm(values[0]!, weights(values), hidden && cell && { hidden, cell });
};
const oneStep = (blocks: number) => recurrent(blocks).with(0, randomInput([BATCH, 1, 3], { seed: 1 }));

const cases: readonly Case[] = [
  ['exp', [matrix(1)], exp],
  ['log', [positive], log],
  ['sum along the last axis', [series()], (x) => sumLast(square(x))],
  ['concat', [matrix(1), matrix(2)], (a, b) => concat([square(a), b, a], 1)],
  ['slice', [series()], (x) => slice(square(x), 2, 1, 4)],
  ['transpose', [series()], (x) => transpose(square(x), [2, 0, 1])],
  ['repeat', [matrix(1)], (x) => square(repeat(unsqueeze(x, 1), 1, 4))],
  ['squeeze', [randomInput([BATCH, 1, 3])], (x) => square(squeeze(x, 1))],
  ['conv1d of 3', [series(), randomInput([3, 2, 3]), randomInput([3])], conv1d],
  ['conv1d of 5', [series(), randomInput([3, 2, 5]), randomInput([3])], conv1d],
  ['max pooling', [apart], (x) => maxPool1d(x, 2)],
  ['max pooling that overlaps', [apart], (x) => maxPool1d(x, 3, 1)],
  ['max pooling with gaps', [apart], (x) => maxPool1d(x, 2, 3)],
  ['softmax', [series()], softmax],
  ['log softmax', [series()], logSoftmax],
  ['cross-entropy of classes', [matrix(1), classes], softmaxCrossEntropy],
  ['cross-entropy of shares', [matrix(1), shares], softmaxCrossEntropy],
  ['dropout', [matrix(1), matrix(2)], dropout],
  ['reparameterisation', [matrix(1), matrix(2), matrix(3)], reparameterise],
  ['divergence', [matrix(1), matrix(2)], standardNormalDivergence],
  ['embedding', [rows, randomInput([5, 4])], embedding],
  ['gru, all states', recurrent(3).slice(0, 5), (...values) => runGru(values).hidden],
  ['gru, last state', recurrent(3).slice(0, 5), (...values) => runGru(values).last],
  ['gru, both', recurrent(3).slice(0, 5), (...values) => both(runGru(values))],
  ['gru from zeros', recurrent(3).slice(0, 4), (...values) => runGru(values).hidden],
  ['gru of one step', oneStep(3).slice(0, 5), (...values) => runGru(values).hidden],
  ['gru of one step from zeros', oneStep(3).slice(0, 4), (...values) => runGru(values).hidden],
  ['two layers of gru', recurrent(3).slice(0, 4), (...values) => gru(runGru(values).hidden, secondLayer(values)).last],
  ['lstm, all states', recurrent(4), (...values) => runLstm(values).hidden],
  ['lstm, last state', recurrent(4), (...values) => runLstm(values).last.hidden],
  ['lstm, last cell', recurrent(4), (...values) => runLstm(values).last.cell],
  ['lstm, last state and cell', recurrent(4), (...values) => lastOf(runLstm(values).last)],
  ['lstm from zeros', recurrent(4).slice(0, 4), (...values) => runLstm(values).hidden],
  ['lstm of one step', oneStep(4), (...values) => lastOf(runLstm(values).last)],
];

function both({ hidden, last }: { hidden: Value; last: Value }): Value {
  return add(hidden, unsqueeze(square(last), 1));
}

function lastOf({ hidden, cell }: { hidden: Value; cell: Value }): Value {
  return concat([square(hidden), cell], 1);
}

/** A second layer that shares the first one's recurrent weights and biases. */
function secondLayer(values: readonly Value[]) {
  return { ...weights(values), input: values[2]! };
}

describe('gradients', () => {
  it.each(cases)('of %s agree with central differences', async (_name, inputs, build) => {
    const { error, tried } = await checkGradients(inputs, build);
    expect(tried).toBeGreaterThan(0);
    expect(error).toBeLessThan(TOLERANCE);
  });

  // Mistakes that are easily made; the check must see each of them.
  it.each<Case>([
    [
      'a reset gate that acts before the recurrent product',
      recurrent(3).slice(0, 5),
      (...values) => {
        const right = operationOf(runGru(values).hidden.graph, 'GRU');
        const attributes = { hidden_size: { int: 5 }, linear_before_reset: { int: 0 } };
        return forwardOf('GRU', right, right.inputs, attributes);
      },
    ],
    [
      'gates of an LSTM in another order',
      recurrent(4),
      (...values) => {
        const right = operationOf(runLstm(values).hidden.graph, 'LSTM');
        const input = right.inputs[1]!;
        const turned = concat(
          [2, 1, 0, 3].map((block) => slice(input, 1, block * 5, block * 5 + 5)),
          1,
        );
        return forwardOf('LSTM', right, right.inputs.with(1, turned), { hidden_size: { int: 5 } });
      },
    ],
    ['a softmax taken for independent entries', [matrix(1)], (x) => wrong(x, 'Softmax', (dy, y) => mul(dy, y))],
    ['a log softmax without its normalisation', [matrix(1)], (x) => wrong(x, 'LogSoftmax', (dy) => dy)],
    ['an exponential taken for its argument', [matrix(1)], (x) => wrong(x, 'Exp', (dy) => mul(dy, x))],
    [
      'rows of a table that overwrite each other',
      [rows, randomInput([5, 4])],
      (at, table) => {
        const { graph, shape } = table;
        return graph.emit('Gather', [table, at], {
          shape: [...at.shape, 4],
          gradients: [
            (dy) => {
              const zeros = graph.constant('zeros', new Float32Array(20), [5, 4]);
              const positions = graph.emit('Unsqueeze', [at, graph.integers([2])], { shape, type: 'int64' });
              return graph.emit('ScatterND', [zeros, positions, dy], { shape });
            },
          ],
        });
      },
    ],
    [
      'a pool that overlaps and gives an entry its last share only',
      [apart],
      (x) => {
        const shape = [BATCH, 2, 5];
        const [largest, positions] = x.graph.emitAll('MaxPool', [x], {
          results: [{ shape }, { shape, type: 'int64' }],
          attributes: { kernel_shape: { ints: [3] }, strides: { ints: [1] } },
          gradients: [([dy]) => overwrite(dy!, positions!, x)],
        });
        return largest!;
      },
    ],
  ])('that are wrong are caught: %s', async (_name, inputs, build) => {
    expect((await checkGradients(inputs, build)).error).toBeGreaterThan(TOLERANCE * 2);
  });

  function wrong(x: Value, operator: string, rule: (dy: Value, y: Value) => Value): Value {
    const y: Value = x.graph.emit(operator, [x], { shape: x.shape, gradients: [(dy) => rule(dy, y)] });
    return y;
  }

  function overwrite(dy: Value, positions: Value, { graph, shape }: Value): Value {
    const flat = (value: Value) =>
      graph.emit('Reshape', [value, graph.integers([-1])], { shape: ['n'], type: value.type });
    const zeros = graph.constant('zeros', new Float32Array(42), [42]);
    return reshape(graph.emit('ScatterElements', [zeros, flat(positions), flat(dy)], { shape: ['n'] }), shape);
  }

  function operationOf(graph: Graph, operator: string): Operation {
    return graph.operations.find(({ outputs }) => outputs[0]!.name.startsWith(operator))!;
  }

  /** The states of another operation, with the gradients of the right one. */
  function forwardOf(
    operator: string,
    right: Operation,
    [x, w, r, b, ...initial]: readonly Value[],
    attributes: Readonly<Record<string, { int: number }>>,
  ): Value {
    const [wx, ww, wr, wb, ...others] = right.rules;
    const results = right.outputs.map(({ shape }) => ({ shape }));
    const inputs = [x, w, r, b, undefined, ...initial];
    const options = { results, attributes, gradients: [wx, ww, wr, wb, undefined, ...others] };
    return x!.graph.emitAll(operator, inputs, options)[0]!;
  }
});

describe('the gradient of an embedding', () => {
  it('has the share of every index, however many threads compute it', async () => {
    const graph = new Graph();
    const [at, table] = [graph.input('at', [BATCH, 32], 'int64'), graph.input('table', [3, 16])];
    graph.output('gradient', gradients(sum(embedding(at, table)), [table])[0]!);
    const session = await openGraph(graph, 'threads', 4);
    const count = 32 * 1500;
    const feeds = {
      at: new Tensor(
        'int64',
        BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 3)),
        [1500, 32],
      ),
      table: new Tensor('float32', new Float32Array(48), [3, 16]),
    };
    for (let run = 0; run < 20; run++) {
      const { gradient } = await session.run(feeds);
      expect(gradient!.data).toEqual(new Float32Array(48).fill(count / 3));
    }
    await session.release();
  });
});

describe('shapes that do not fit', () => {
  it.each<[string, (graph: Graph) => unknown]>([
    ["can't be joined", (g) => concat([g.input('a', [2, 3]), g.input('b', [3, 3])], 1)],
    ['slice 2..4', (g) => slice(g.input('a', [BATCH, 3]), 1, 2, 4)],
    ['no order of the axes', (g) => transpose(g.input('a', [2, 3]), [0, 0])],
    ["doesn't have size 1", (g) => repeat(g.input('a', [BATCH, 3]), 1, 2)],
    ["doesn't have size 1", (g) => squeeze(g.input('a', [BATCH, 3]), 1)],
    ['a pool of 8', (g) => maxPool1d(g.input('a', [BATCH, 2, 7]), 8)],
    ['expected [batch,5]', (g) => softmaxCrossEntropy(g.input('a', [BATCH, 5]), g.input('b', [BATCH, 4]))],
    ['expected [batch]', (g) => softmaxCrossEntropy(g.input('a', [BATCH, 5]), g.input('b', [BATCH, 5], 'int64'))],
    ['b is float32', (g) => embedding(g.input('b', [BATCH, 5]), g.input('table', [4, 3]))],
    [
      'w has shape [9,2], expected [9,4]',
      (g) =>
        gru(g.input('x', [BATCH, 6, 4]), {
          input: g.input('w', [9, 2]),
          recurrent: g.input('r', [9, 3]),
          bias: g.input('b', [2, 9]),
        }),
    ],
  ])('are named: %s', (message, build) => {
    expect(() => build(new Graph())).toThrow(GraphError);
    expect(() => build(new Graph())).toThrow(message);
  });
});
