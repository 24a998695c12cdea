import { reshape, sumTo } from './arithmetic.ts';
import { fixed, GraphError, type Value } from './graph.ts';
import type { Dimension } from './onnx.ts';

/** Operations that move, join or repeat entries. */

/** Joins tensors along an axis, whose sizes must be fixed; all other sizes must be equal. */
export function concat(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (first === undefined) throw new GraphError('nothing to concatenate');
  const sizes = values.map((value) => joinable(first, value, axis));
  const starts = sizes.map((_, index) => sizes.slice(0, index).reduce((total, size) => total + size, 0));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return first.graph.emit('Concat', values, {
    shape: first.shape.with(axis, total),
    attributes: { axis: { int: axis } },
    gradients: starts.map((start, index) => (dy) => slice(dy, axis, start, start + sizes[index]!)),
  });
}

function joinable(first: Value, value: Value, axis: number): number {
  const size = fixed(value.shape[axis]);
  if (value.shape.with(axis, 1).join() === first.shape.with(axis, 1).join()) return size;
  throw new GraphError(`[${first.shape.join()}] and [${value.shape.join()}] can't be joined along axis ${axis}`);
}

/** The entries from `start` to before `end` along an axis of fixed size. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const size = fixed(x.shape[axis]);
  if (start < 0 || start >= end || end > size) {
    throw new GraphError(`slice ${start}..${end} of axis ${axis} of [${x.shape.join()}]`);
  }
  const bounds = [[start], [end], [axis]].map((values) => x.graph.integers(values));
  return x.graph.emit('Slice', [x, ...bounds], {
    shape: x.shape.with(axis, end - start),
    gradients: [(dy) => pad(dy, axis, start, size - end)],
  });
}

/** Adds zeros along an axis; a negative number removes entries. It has no gradient rule. */
export function pad(x: Value, axis: number, before: number, after: number): Value {
  const pads = [before, after].flatMap((count) => x.shape.map((_, index) => (index === axis ? count : 0)));
  return x.graph.emit('Pad', [x, x.graph.integers(pads)], {
    shape: x.shape.with(axis, fixed(x.shape[axis]) + before + after),
  });
}

/** Permutes the axes: axis i of the result is axis `order[i]` of `x`. */
export function transpose(x: Value, order: readonly number[]): Value {
  if ([...order].sort((a, b) => a - b).join() !== [...x.shape.keys()].join()) {
    throw new GraphError(`[${order.join()}] is no order of the axes of [${x.shape.join()}]`);
  }
  return x.graph.emit('Transpose', [x], {
    shape: order.map((axis) => x.shape[axis]!),
    attributes: { perm: { ints: order } },
    gradients: [
      (dy) =>
        transpose(
          dy,
          [...order.keys()].map((axis) => order.indexOf(axis)),
        ),
    ],
  });
}

/** Adds an axis of size 1. */
export function unsqueeze(x: Value, axis: number): Value {
  return reshape(x, x.shape.toSpliced(axis, 0, 1));
}

/** Removes an axis of size 1. */
export function squeeze(x: Value, axis: number): Value {
  if (x.shape[axis] !== 1) throw new GraphError(`axis ${axis} of [${x.shape.join()}] doesn't have size 1`);
  return reshape(x, x.shape.toSpliced(axis, 1));
}

/**
 * Repeats a tensor along an axis of size 1.
 *
 * @example
 * repeat(unsqueeze(code, 1), 1, 32); // [batch, 8] -> [batch, 32, 8]
 */
export function repeat(x: Value, axis: number, times: number): Value {
  if (x.shape[axis] !== 1) throw new GraphError(`axis ${axis} of [${x.shape.join()}] doesn't have size 1`);
  const shape = x.graph.integers(x.shape.map((_, index) => (index === axis ? times : 1)));
  return x.graph.emit('Expand', [x, shape], {
    shape: x.shape.with(axis, times),
    gradients: [(dy) => sumTo(dy, x.shape)],
  });
}

/** Splits a tensor into `count` parts of size `size` along an axis. It has no gradient rule. */
export function parts(x: Value, axis: number, count: number, size: Dimension): Value[] {
  if (count === 1) return [x];
  return x.graph.emitAll('Split', [x], {
    results: Array.from({ length: count }, () => ({ shape: x.shape.with(axis, size) })),
    attributes: { axis: { int: axis }, num_outputs: { int: count } },
  });
}
