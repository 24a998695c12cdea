import { sigmoid, square, tanh } from '../../../scorer/network/activations.ts';
import { add, mul, reshape, sub } from '../../../scorer/network/arithmetic.ts';
import { BATCH, fixed, Graph, type Value } from '../../../scorer/network/graph.ts';
import { dense, matmul } from '../../../scorer/network/layers.ts';
import { gru } from '../../../scorer/network/layers/gru.ts';
import type { RecurrentWeights } from '../../../scorer/network/layers/recurrent.ts';
import { reparameterise, standardNormalDivergence } from '../../../scorer/network/layers/variational.ts';
import {
  denseParameters,
  gruParameters,
  initialValues,
  type Parameters,
  recurrentWeights,
  storedParameters,
} from '../../../scorer/network/parameters.ts';
import { mean } from '../../../scorer/network/reductions.ts';
import { concat, repeat, slice, squeeze, transpose, unsqueeze } from '../../../scorer/network/shaping.ts';
import type { TrainableNetwork } from '../../../scorer/network/training-graph.ts';

export const STEPS = 32;
export const UNITS = 16;
const CODE = 8;

const layout = [
  ...gruParameters('encoder', 1, UNITS),
  ...denseParameters('mean', UNITS, CODE),
  ...denseParameters('log_variance', UNITS, CODE),
  ...gruParameters('decoder', CODE, UNITS),
  ...denseParameters('output', UNITS, 1),
];

/**
 * After Nedelkoski, Cardoso and Kao (2019): window 32 -> GRU 16 -> mean and log-variance 8 -> sample -> repeat 32
 * -> GRU 16 -> 1; squared error plus divergence.
 */
export const GRU_VAE: TrainableNetwork = {
  name: 'gru_vae',
  layout,
  inputs: [
    { name: 'x', shape: [STEPS, 1] },
    { name: 'noise', shape: [CODE], noise: 'normal' },
  ],
  loss: ({ x, noise }, parameters) => {
    const { codeMean, logVariance } = encode(x!, parameters);
    const output = decode(reparameterise(codeMean, logVariance, noise!), parameters);
    return add(mean(square(sub(output, x!))), mean(standardNormalDivergence(codeMean, logVariance)));
  },
};

/** Input `x` [batch, 32, 1], output `reconstruction`. */
export function inferenceGraph(): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, layout, initialValues(layout, 1));
  const { codeMean } = encode(graph.input('x', [BATCH, STEPS, 1]), parameters);
  return graph.output('reconstruction', decode(codeMean, parameters));
}

function encode(x: Value, parameters: Parameters): { codeMean: Value; logVariance: Value } {
  const { last } = gru(x, recurrentWeights(parameters, 'encoder'));
  return { codeMean: layer(last, parameters, 'mean'), logVariance: layer(last, parameters, 'log_variance') };
}

function decode(code: Value, parameters: Parameters): Value {
  const { hidden } = gru(repeat(unsqueeze(code, 1), 1, STEPS), recurrentWeights(parameters, 'decoder'));
  return reshape(layer(reshape(hidden, ['rows', UNITS]), parameters, 'output'), [BATCH, STEPS, 1]);
}

function layer(x: Value, parameters: Parameters, name: string): Value {
  return dense(x, parameters.get(`${name}.weight`), parameters.get(`${name}.bias`));
}

/** The GRU as small operations for each step, which differentiate themselves: what ONNX's operator is compared with. */
export function unrolledGru(x: Value, weights: RecurrentWeights): Value {
  const units = fixed(weights.recurrent.shape[1]);
  const [input, recurrent] = [transpose(weights.input, [1, 0]), transpose(weights.recurrent, [1, 0])];
  const [inputBias, recurrentBias] = [slice(weights.bias, 0, 0, 1), slice(weights.bias, 0, 1, 2)];
  const block = (value: Value, first: number, count: number) => slice(value, 1, first * units, (first + count) * units);
  const states: Value[] = [];
  for (let step = 0; step < fixed(x.shape[1]); step++) {
    const before = states.at(-1);
    const ofInput = add(matmul(squeeze(slice(x, 1, step, step + 1), 1), input), inputBias);
    const ofState = before === undefined ? recurrentBias : add(matmul(before, recurrent), recurrentBias);
    const gates = sigmoid(add(block(ofInput, 0, 2), block(ofState, 0, 2)));
    const [z, r] = [block(gates, 0, 1), block(gates, 1, 1)];
    const n = tanh(add(block(ofInput, 2, 1), mul(r, block(ofState, 2, 1))));
    const added = mul(sub(x.graph.scalar(1), z), n);
    states.push(before === undefined ? added : add(added, mul(z, before)));
  }
  return concat(
    states.map((state) => unsqueeze(state, 1)),
    1,
  );
}
