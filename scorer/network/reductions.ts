import { div, mul, reshape } from './arithmetic.ts';
import type { Value } from './graph.ts';

/** The sum of all entries, a scalar. */
export function sum(x: Value): Value {
  return x.graph.emit('ReduceSum', [x], {
    shape: [],
    attributes: { keepdims: { int: 0 } },
    gradients: [(dy) => expandLike(dy, x)],
  });
}

/** Sums along the last axis, and removes it. */
export function sumLast(x: Value): Value {
  const axis = x.shape.length - 1;
  const summed = x.graph.emit('ReduceSum', [x, x.graph.integers([axis])], {
    shape: [...x.shape.slice(0, axis), 1],
    attributes: { keepdims: { int: 1 } },
    gradients: [(dy) => expandLike(dy, x)],
  });
  return reshape(summed, x.shape.slice(0, axis));
}

/** The mean of all entries, a scalar. */
export function mean(x: Value): Value {
  const size = x.graph.emit('Size', [x], { shape: [], type: 'int64' });
  const count = x.graph.emit('Cast', [size], { shape: [], attributes: { to: { int: 1 } } });
  return div(sum(x), count);
}

/** The mean of the entries of `x` whose `mask` is 1, a scalar; 0 if there are none. */
export function maskedMean(x: Value, mask: Value): Value {
  const count = x.graph.emit('Max', [sum(mask), x.graph.scalar(1)], { shape: [] });
  return div(sum(mul(x, mask)), count);
}

/** Repeats a scalar, or what has size 1 along some axes, over the shape of `like`. */
function expandLike(x: Value, like: Value): Value {
  const shape = x.graph.emit('Shape', [like], { shape: [like.shape.length], type: 'int64' });
  return x.graph.emit('Expand', [x, shape], { shape: like.shape });
}
