import { square } from '../../network/activations.ts';
import { add, reshape, scale, sub } from '../../network/arithmetic.ts';
import { BATCH, Graph, type Value } from '../../network/graph.ts';
import { dense } from '../../network/layers.ts';
import { gru } from '../../network/layers/gru.ts';
import { reparameterise, standardNormalDivergence } from '../../network/layers/variational.ts';
import {
  denseParameters,
  gruParameters,
  type ParameterLayout,
  type Parameters,
  recurrentWeights,
  storedParameters,
} from '../../network/parameters.ts';
import { mean, sumLast } from '../../network/reductions.ts';
import { repeat, unsqueeze } from '../../network/shaping.ts';
import type { TrainableNetwork } from '../../network/training-graph.ts';

export interface GruVaeShape {
  /** Steps of a window. */
  readonly window: number;
  /** Units of the recurrent layers. */
  readonly hidden: number;
  /** Dimensions of the code. */
  readonly latent: number;
}

/**
 * The variational autoencoder of Nedelkoski, Cardoso and Kao (CLOUD 2019, section III-B): a GRU reads the window, its last
 * state gives mean and log-variance of the code, a sample of it is repeated for each step, and a second GRU with a linear
 * output turns it into the window again.
 */
export function gruVaeLayout({ hidden, latent }: GruVaeShape): ParameterLayout {
  return [
    ...gruParameters('encoder', 1, hidden),
    ...denseParameters('mean', hidden, latent),
    ...denseParameters('log_variance', hidden, latent),
    ...gruParameters('decoder', latent, hidden),
    ...denseParameters('output', hidden, 1),
  ];
}

/**
 * Loss of a window: its squared errors, summed over the steps, and the divergence of its code from the standard normal
 * distribution, which is the negative evidence lower bound but for constants.
 */
export function gruVaeNetwork(shape: GruVaeShape): TrainableNetwork {
  const { window, latent } = shape;
  return {
    name: 'gru_vae',
    layout: gruVaeLayout(shape),
    inputs: [
      { name: 'x', shape: [window, 1] },
      { name: 'noise', shape: [latent], noise: 'normal' },
    ],
    loss: ({ x, noise }, parameters) => {
      const { reconstruction, mean: codeMean, logVariance } = forward(x!, noise, parameters, shape);
      const errors = reshape(square(sub(reconstruction, x!)), [BATCH, window]);
      return mean(add(scale(sumLast(errors), 0.5), standardNormalDivergence(codeMean, logVariance)));
    },
  };
}

/** Input `x` [batch, window, 1], output `reconstruction` of the same shape: the mean of the code is decoded. */
export function gruVaeInference(shape: GruVaeShape, weights: Float32Array): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, gruVaeLayout(shape), weights);
  const x = graph.input('x', [BATCH, shape.window, 1]);
  return graph.output('reconstruction', forward(x, undefined, parameters, shape).reconstruction);
}

function forward(x: Value, noise: Value | undefined, parameters: Parameters, { window, hidden }: GruVaeShape) {
  const layer = (input: Value, name: string) =>
    dense(input, parameters.get(`${name}.weight`), parameters.get(`${name}.bias`));
  const { last } = gru(x, recurrentWeights(parameters, 'encoder'));
  const [codeMean, logVariance] = [layer(last, 'mean'), layer(last, 'log_variance')];
  const code = noise === undefined ? codeMean : reparameterise(codeMean, logVariance, noise);
  const states = gru(repeat(unsqueeze(code, 1), 1, window), recurrentWeights(parameters, 'decoder')).hidden;
  const output = layer(reshape(states, ['rows', hidden]), 'output');
  return { reconstruction: reshape(output, [BATCH, window, 1]), mean: codeMean, logVariance };
}
