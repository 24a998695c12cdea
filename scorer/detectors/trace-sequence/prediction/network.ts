import { mul, reshape } from '../../../network/arithmetic.ts';
import { BATCH, Graph, type Value } from '../../../network/graph.ts';
import { dense } from '../../../network/layers.ts';
import { embedding } from '../../../network/layers/embedding.ts';
import { lstm } from '../../../network/layers/lstm.ts';
import { softmax, softmaxCrossEntropy } from '../../../network/layers/softmax.ts';
import {
  denseParameters,
  embeddingParameters,
  lstmParameters,
  type ParameterLayout,
  type Parameters,
  recurrentWeights,
  storedParameters,
} from '../../../network/parameters.ts';
import { maskedMean, sum } from '../../../network/reductions.ts';
import type { TrainableNetwork } from '../../../network/training-graph.ts';

export interface EventNetworkShape {
  /** Tokens of the vocabulary. */
  readonly tokens: number;
  readonly embedding: number;
  readonly hidden: number;
  /** Tokens of a segment. */
  readonly segment: number;
}

/** What the inference graph looks up at each place: an event and its failed form. */
export const ASKED = 2;

/** Embedding, LSTM, dense, softmax over the next token. */
export function eventLayout({ tokens, embedding: width, hidden }: EventNetworkShape): ParameterLayout {
  return [
    ...embeddingParameters('tokens', tokens, width),
    ...lstmParameters('lstm', width, hidden),
    ...denseParameters('output', hidden, tokens),
  ];
}

/** Inputs `x` and `next`, tokens, and `mask`, the weight of each place; loss: cross-entropy of the next token. */
export function eventNetwork(shape: EventNetworkShape): TrainableNetwork {
  const size = [shape.segment];
  const entropy = (x: Value, next: Value, parameters: Parameters) =>
    softmaxCrossEntropy(logits(x, parameters, shape), flatTokens(next));
  return {
    name: 'trace_sequence',
    layout: eventLayout(shape),
    inputs: [
      { name: 'x', shape: size, type: 'int64' },
      { name: 'next', shape: size, type: 'int64' },
      { name: 'mask', shape: size },
    ],
    loss: ({ x, next, mask }, parameters) => maskedMean(entropy(x!, next!, parameters), reshape(mask!, ['rows'])),
    validation: ({ x, next, mask }, parameters) => {
      const weights = reshape(mask!, ['rows']);
      return { sum: sum(mul(entropy(x!, next!, parameters), weights)), count: sum(weights) };
    },
  };
}

/**
 * Inputs `x` [batch, segment] and `asked` [batch, segment, 2], tokens. Outputs `probability` [batch, segment, 2] of those,
 * and the `candidates` likeliest tokens: `likeliest` and `likeliest_probability` [batch, segment, candidates].
 */
export function eventInference(shape: EventNetworkShape, weights: Float32Array, candidates: number): Graph {
  const { segment, tokens } = shape;
  const graph = new Graph();
  const parameters = storedParameters(graph, eventLayout(shape), weights);
  const x = graph.input('x', [BATCH, segment], 'int64');
  const asked = graph.input('asked', [BATCH, segment, ASKED], 'int64');
  const probabilities = reshape(softmax(logits(x, parameters, shape)), [BATCH, segment, tokens]);
  const found = graph.emit('GatherElements', [probabilities, asked], {
    shape: asked.shape,
    attributes: { axis: { int: 2 } },
  });
  const [values, indices] = graph.emitAll('TopK', [probabilities, graph.integers([candidates])], {
    results: [{ shape: [BATCH, segment, candidates] }, { shape: [BATCH, segment, candidates], type: 'int64' }],
    attributes: { axis: { int: 2 } },
  });
  return graph.output('probability', found).output('likeliest_probability', values!).output('likeliest', indices!);
}

/** [rows, tokens] */
function logits(x: Value, parameters: Parameters, { hidden }: EventNetworkShape): Value {
  const states = lstm(embedding(x, parameters.get('tokens.table')), recurrentWeights(parameters, 'lstm')).hidden;
  return dense(reshape(states, ['rows', hidden]), parameters.get('output.weight'), parameters.get('output.bias'));
}

function flatTokens(tokens: Value): Value {
  const { graph } = tokens;
  return graph.emit('Reshape', [tokens, graph.integers([-1])], { shape: ['rows'], type: 'int64' });
}
