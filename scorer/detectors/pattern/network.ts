import { relu } from '../../network/activations.ts';
import { reshape } from '../../network/arithmetic.ts';
import { BATCH, Graph, type Value } from '../../network/graph.ts';
import { dense } from '../../network/layers.ts';
import { conv1d, maxPool1d } from '../../network/layers/convolution.ts';
import { dropout } from '../../network/layers/dropout.ts';
import { softmax, softmaxCrossEntropy } from '../../network/layers/softmax.ts';
import {
  convolutionParameters,
  denseParameters,
  type ParameterLayout,
  type Parameters,
  storedParameters,
} from '../../network/parameters.ts';
import { mean } from '../../network/reductions.ts';
import type { TrainableNetwork } from '../../network/training-graph.ts';
import { PATTERN_LENGTH } from './shapes.ts';

const FILTERS = [16, 32, 32] as const;
const KERNEL = 5;
const POOL = 2;
const FLAT = (FILTERS[2] * PATTERN_LENGTH) / POOL ** FILTERS.length;
export const DROPOUT = 0.5;

/** Three convolutions, each with max-pooling, dropout of half, and a softmax (Nedelkoski, Cardoso and Kao 2019, III-E). */
export function patternLayout(classes: number): ParameterLayout {
  return [
    ...FILTERS.flatMap((filters, layer) =>
      convolutionParameters(`convolution.${layer}`, FILTERS[layer - 1] ?? 1, filters, [KERNEL]),
    ),
    ...denseParameters('output', FLAT, classes),
  ];
}

/** Inputs: `x`, a series normalised to [1, 64], and `class`, its index. Loss: the cross-entropy. */
export function patternNetwork(classes: number): TrainableNetwork {
  return {
    name: 'pattern',
    layout: patternLayout(classes),
    inputs: [
      { name: 'x', shape: [1, PATTERN_LENGTH] },
      { name: 'class', shape: [], type: 'int64' },
      { name: 'kept', shape: [FLAT], noise: { dropout: DROPOUT } },
    ],
    loss: (inputs, parameters) =>
      mean(softmaxCrossEntropy(logits(inputs['x']!, inputs['kept'], parameters), inputs['class']!)),
  };
}

/** Input `x` [batch, 1, 64], output `probability` [batch, classes]. */
export function patternInference(classes: number, weights: Float32Array): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, patternLayout(classes), weights);
  const x = graph.input('x', [BATCH, 1, PATTERN_LENGTH]);
  return graph.output('probability', softmax(logits(x, undefined, parameters)));
}

function logits(x: Value, kept: Value | undefined, parameters: Parameters): Value {
  let value = x;
  for (const layer of FILTERS.keys()) {
    const name = `convolution.${layer}`;
    value = relu(conv1d(value, parameters.get(`${name}.weight`), parameters.get(`${name}.bias`)));
    value = maxPool1d(value, POOL);
  }
  const flat = reshape(value, [BATCH, FLAT]);
  const thinned = kept === undefined ? flat : dropout(flat, kept);
  return dense(thinned, parameters.get('output.weight'), parameters.get('output.bias'));
}
