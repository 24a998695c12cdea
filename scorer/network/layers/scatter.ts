import type { Value } from '../graph.ts';
import type { Shape } from '../onnx.ts';

/**
 * Adds each entry of `values` to the one of `zeros` with its index along axis 0. Indices may repeat.
 *
 * ScatterND would be 5 to 7 times as fast (0.03 ms for 64 windows of 32 rows of 16), but with more than one thread
 * onnxruntime 1.30 loses additions to the same row; so did earlier ones (microsoft/onnxruntime issue 18048).
 * @param indices int64, of the shape of `values`
 */
export function scatterAdd(zeros: Value, indices: Value, values: Value): Value {
  return zeros.graph.emit('ScatterElements', [zeros, indices, values], {
    shape: zeros.shape,
    attributes: { axis: { int: 0 }, reduction: { text: 'add' } },
  });
}

/** Int64 values in another shape, of which at most one size is known at run time only. */
export function reshapeIndices(indices: Value, shape: Shape): Value {
  const { graph } = indices;
  const target = graph.integers(shape.map((size) => (typeof size === 'number' ? size : -1)));
  return graph.emit('Reshape', [indices, target], { shape, type: 'int64' });
}
