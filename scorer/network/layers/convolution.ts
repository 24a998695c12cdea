import { unsqueeze, squeeze } from '../shaping.ts';
import { fixed, GraphError, type Value } from '../graph.ts';
import { reshape } from '../arithmetic.ts';
import { conv2d } from '../layers.ts';
import { reshapeIndices, scatterAdd } from './scatter.ts';

/**
 * A convolution along a sequence, with stride 1; the result is as long as its input ("same" padding; odd kernels only).
 *
 * @param x [batch, channels in, length]
 * @param weight [channels out, channels in, kernel]
 * @param bias [channels out]
 */
export function conv1d(x: Value, weight: Value, bias: Value): Value {
  return squeeze(conv2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias), 2);
}

/**
 * The maximum of each `size` neighbours along a sequence, without padding. The gradient goes to the maximum, and to the
 * first of equal ones, as in PyTorch.
 *
 * @param x [batch, channels, length]
 * @returns [batch, channels, floor((length - size) / stride) + 1]
 */
export function maxPool1d(x: Value, size: number, stride = size): Value {
  const length = fixed(x.shape[2]);
  if (size > length) throw new GraphError(`a pool of ${size} in a sequence of ${length}`);
  const shape = x.shape.with(2, Math.floor((length - size) / stride) + 1);
  const [largest, positions] = x.graph.emitAll('MaxPool', [x], {
    results: [{ shape }, { shape, type: 'int64' }],
    attributes: { kernel_shape: { ints: [size] }, strides: { ints: [stride] } },
    gradients: [([upstream]) => addAt(upstream!, positions!, x)],
  });
  return largest!;
}

/** Adds each entry of `values` to zeros of the shape of `like`, at its place in the flattened tensor. */
function addAt(values: Value, positions: Value, like: Value): Value {
  const { graph } = like;
  const size = graph.emit('Size', [like], { shape: [], type: 'int64' });
  const zeros = graph.emit('Expand', [graph.scalar(0), reshapeIndices(size, [1])], { shape: ['entries'] });
  return reshape(scatterAdd(zeros, reshapeIndices(positions, ['found']), reshape(values, ['found'])), like.shape);
}
