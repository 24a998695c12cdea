import { square } from '../../network/activations.ts';
import { reshape, sub } from '../../network/arithmetic.ts';
import { BATCH, Graph, type Value } from '../../network/graph.ts';
import { dense } from '../../network/layers.ts';
import { lstm } from '../../network/layers/lstm.ts';
import {
  denseParameters,
  lstmParameters,
  type ParameterLayout,
  type Parameters,
  recurrentWeights,
  storedParameters,
} from '../../network/parameters.ts';
import { mean } from '../../network/reductions.ts';
import { repeat, unsqueeze } from '../../network/shaping.ts';
import type { TrainableNetwork } from '../../network/training-graph.ts';

export interface LstmAutoencoderShape {
  /** Steps of a window. */
  readonly window: number;
  /** Metrics of a step. */
  readonly columns: number;
  /** Units of the recurrent layers; the last state of the first is the code. */
  readonly hidden: number;
}

/**
 * The LSTM autoencoder of de Silva et al.: one layer reads the window, its last state is repeated for each step, a second
 * layer with a linear output turns it into the window again.
 */
export function lstmAutoencoderLayout({ columns, hidden }: LstmAutoencoderShape): ParameterLayout {
  return [
    ...lstmParameters('encoder', columns, hidden),
    ...lstmParameters('decoder', hidden, hidden),
    ...denseParameters('output', hidden, columns),
  ];
}

/** Loss: the mean squared error. */
export function lstmAutoencoderNetwork(shape: LstmAutoencoderShape): TrainableNetwork {
  return {
    name: 'lstm_autoencoder',
    layout: lstmAutoencoderLayout(shape),
    inputs: [{ name: 'x', shape: [shape.window, shape.columns] }],
    loss: ({ x }, parameters) => mean(square(sub(forward(x!, parameters, shape), x!))),
  };
}

/** Input `x` [batch, window, columns], output `reconstruction` of the same shape. */
export function lstmAutoencoderInference(shape: LstmAutoencoderShape, weights: Float32Array): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, lstmAutoencoderLayout(shape), weights);
  const x = graph.input('x', [BATCH, shape.window, shape.columns]);
  return graph.output('reconstruction', forward(x, parameters, shape));
}

function forward(x: Value, parameters: Parameters, { window, columns, hidden }: LstmAutoencoderShape): Value {
  const code = lstm(x, recurrentWeights(parameters, 'encoder')).last.hidden;
  const states = lstm(repeat(unsqueeze(code, 1), 1, window), recurrentWeights(parameters, 'decoder')).hidden;
  const rows = reshape(states, ['rows', hidden]);
  const output = dense(rows, parameters.get('output.weight'), parameters.get('output.bias'));
  return reshape(output, [BATCH, window, columns]);
}
