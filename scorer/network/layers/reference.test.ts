import { spawnSync } from 'node:child_process';
import { Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../../test/skips/describe-with.ts';
import { NUMPY } from '../../../test/skips/needs.ts';
import { numpyInterpreter } from '../../../test/testserver/numpy.ts';
import { type CheckedInput, type IndexInput, randomInput } from '../gradient-check.ts';
import { gradients } from '../gradients.ts';
import { BATCH, Graph, type Value } from '../graph.ts';
import { sum } from '../reductions.ts';
import { openGraph } from '../session.ts';
import { conv1d, maxPool1d } from './convolution.ts';
import { embedding } from './embedding.ts';
import { gru } from './gru.ts';
import { lstm } from './lstm.ts';
import { logSoftmax, softmax, softmaxCrossEntropy } from './softmax.ts';
import { reparameterise, standardNormalDivergence } from './variational.ts';

const SCRIPT = 'scorer/network/layers/reference.py';

type Input = CheckedInput | IndexInput;

interface Case {
  /** Names as the function's in the script; those of numbers are no inputs of the graph. */
  readonly inputs: Readonly<Record<string, Input>>;
  readonly numbers?: Readonly<Record<string, number>>;
  readonly build: (inputs: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>;
}

const recurrent = (
  blocks: number,
  { steps, inputs, units }: Readonly<Record<'steps' | 'inputs' | 'units', number>>,
) => ({
  x: randomInput([BATCH, steps, inputs], { low: -2, high: 2, seed: 1 }),
  weight_ih: randomInput([blocks * units, inputs], { seed: 2 }),
  weight_hh: randomInput([blocks * units, units], { seed: 3 }),
  bias: randomInput([2, blocks * units], { seed: 4 }),
});
const weights = (p: Readonly<Record<string, Value>>) => ({
  input: p['weight_ih']!,
  recurrent: p['weight_hh']!,
  bias: p['bias']!,
});
const long = { steps: 32, inputs: 1, units: 16 };
const short = { steps: 3, inputs: 4, units: 5 };
const state = (seed: number) => randomInput([BATCH, 5], { seed });
const indices = (shape: readonly (number | string)[], entries: readonly number[]): IndexInput => ({
  shape,
  data: BigInt64Array.from(entries, BigInt),
});
const series = randomInput([BATCH, 3, 11], { low: -2, high: 2 });

const cases: Readonly<Record<string, Case>> = {
  'gru over a window': { inputs: recurrent(3, long), build: (p) => ({ ...gru(p['x']!, weights(p)) }) },
  'gru with initial states': {
    inputs: { ...recurrent(3, short), initial: state(5) },
    build: (p) => ({ ...gru(p['x']!, weights(p), p['initial']) }),
  },
  'lstm over a window': {
    inputs: recurrent(4, long),
    build: (p) => {
      const { hidden, last } = lstm(p['x']!, weights(p));
      return { hidden, last: last.hidden, cell: last.cell };
    },
  },
  'lstm with initial states': {
    inputs: { ...recurrent(4, short), hidden: state(5), cell: state(6) },
    build: (p) => {
      const { hidden, last } = lstm(p['x']!, weights(p), { hidden: p['hidden']!, cell: p['cell']! });
      return { hidden, last: last.hidden, cell: last.cell };
    },
  },
  conv1d: {
    inputs: { x: series, weight: randomInput([4, 3, 5], { seed: 2 }), bias: randomInput([4], { seed: 3 }) },
    build: (p) => ({ y: conv1d(p['x']!, p['weight']!, p['bias']!) }),
  },
  'max_pool of neighbours': pooling(2, 2),
  'max_pool that overlaps': pooling(3, 1),
  'max_pool with gaps': pooling(2, 3),
  softmax: { inputs: { x: series }, build: ({ x }) => ({ y: softmax(x!), log: logSoftmax(x!) }) },
  'softmax of large numbers': {
    inputs: { x: randomInput([BATCH, 6], { low: -3e4, high: 3e4 }) },
    build: ({ x }) => ({ y: softmax(x!), log: logSoftmax(x!) }),
  },
  cross_entropy: {
    inputs: { logits: randomInput([BATCH, 6], { low: -5, high: 5 }), labels: indices([BATCH], [5, 0, 3]) },
    build: (p) => ({ y: softmaxCrossEntropy(p['logits']!, p['labels']!) }),
  },
  'cross_entropy of large numbers': {
    inputs: { logits: randomInput([BATCH, 6], { low: -3e4, high: 3e4 }), labels: indices([BATCH], [5, 0, 3]) },
    build: (p) => ({ y: softmaxCrossEntropy(p['logits']!, p['labels']!) }),
  },
  embedding: {
    inputs: { indices: indices([BATCH, 2], [3, 3, 0, 1, 2, 0]), table: randomInput([4, 5]) },
    build: (p) => ({ y: embedding(p['indices']!, p['table']!) }),
  },
  variational: {
    inputs: { mean: state(1), log_variance: state(2), noise: state(3) },
    build: ({ mean, log_variance: logVariance, noise }) => ({
      sample: reparameterise(mean!, logVariance!, noise!),
      divergence: standardNormalDivergence(mean!, logVariance!),
    }),
  },
};

function pooling(size: number, stride: number): Case {
  return { inputs: { x: series }, numbers: { size, stride }, build: ({ x }) => ({ y: maxPool1d(x!, size, stride) }) };
}

/** A graph's free size is 3. */
const sizes = ({ shape }: Input) => shape.map((size) => (typeof size === 'number' ? size : 3));

async function run({ inputs, build }: Case): Promise<Readonly<Record<string, readonly number[]>>> {
  const graph = new Graph();
  const entries = Object.entries(inputs);
  const values = entries.map(([name, { shape, data }]) => {
    return [name, graph.input(name, shape, data instanceof Float32Array ? 'float32' : 'int64')] as const;
  });
  for (const [name, value] of Object.entries(build(Object.fromEntries(values)))) graph.output(`y_${name}`, value);
  const session = await openGraph(graph, 'reference');
  const feeds = entries.map(([name, input]) => [name, new Tensor(input.data, sizes(input))] as const);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name.slice(2), [...(data as Float32Array)]]),
  );
}

function reference(): Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> {
  const problems = Object.entries(cases).map(([name, { inputs, numbers = {} }]) => {
    const tensors = Object.entries(inputs).map(([key, input]) => {
      return [key, { shape: sizes(input), data: Array.from(input.data, Number) }] as const;
    });
    const scalars = Object.entries(numbers).map(([key, value]) => [key, { shape: [1], data: [value] }] as const);
    return [name, Object.fromEntries([...tensors, ...scalars])] as const;
  });
  const input = JSON.stringify(Object.fromEntries(problems));
  const { stdout, stderr, status } = spawnSync(numpyInterpreter()!, [SCRIPT], { input, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as ReturnType<typeof reference>;
}

describeWith([NUMPY], 'layers give what numpy makes of the formulas of PyTorch:', () => {
  let expected: ReturnType<typeof reference>;
  beforeAll(() => void (expected = reference()));

  it.each(Object.entries(cases))('%s', async (name, problem) => {
    const actual = await run(problem);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected[name]!).sort());
    for (const [key, values] of Object.entries(actual)) {
      const right = expected[name]![key]!;
      expect(values).toHaveLength(right.length);
      const largest = Math.max(1, ...right.map(Math.abs));
      const errors = values.map((value, i) => Math.abs(value - right[i]!) / largest);
      expect(Math.max(...errors), key).toBeLessThan(2e-6);
    }
  });
});

describe('max pooling of equal entries', () => {
  it('gives the gradient to the first', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 1, 4]);
    graph.output('gradient', gradients(sum(maxPool1d(x, 2)), [x])[0]!);
    const session = await openGraph(graph, 'ties');
    const { gradient } = await session.run({ x: new Tensor('float32', Float32Array.of(2, 2, 1, 1), [1, 1, 4]) });
    expect([...(gradient!.data as Float32Array)]).toEqual([1, 0, 1, 0]);
    await session.release();
  });
});
