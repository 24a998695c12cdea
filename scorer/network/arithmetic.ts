import { GraphError, type GradientRule, type Value } from './graph.ts';
import type { Dimension, Shape } from './onnx.ts';

/** Elementwise operations on two tensors, with broadcasting as in ONNX and NumPy. */

export function add(a: Value, b: Value): Value {
  return binary('Add', a, b, [(dy) => dy, (dy) => dy]);
}

export function sub(a: Value, b: Value): Value {
  return binary('Sub', a, b, [(dy) => dy, (dy) => neg(dy)]);
}

export function mul(a: Value, b: Value): Value {
  return binary('Mul', a, b, [(dy) => mul(dy, b), (dy) => mul(dy, a)]);
}

export function div(a: Value, b: Value): Value {
  const quotient: Value = binary('Div', a, b, [(dy) => div(dy, b), (dy) => neg(div(mul(dy, quotient), b))]);
  return quotient;
}

export function neg(x: Value): Value {
  return x.graph.emit('Neg', [x], { shape: x.shape, gradients: [(dy) => neg(dy)] });
}

/** `x * factor` for a number. */
export function scale(x: Value, factor: number): Value {
  return mul(x, x.graph.scalar(factor));
}

function binary(operator: string, a: Value, b: Value, rules: readonly [GradientRule, GradientRule]): Value {
  return a.graph.emit(operator, [a, b], {
    shape: broadcastShape(a.shape, b.shape),
    gradients: [(dy) => sumTo(rules[0](dy), a.shape), (dy) => sumTo(rules[1](dy), b.shape)],
  });
}

function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dimension => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new GraphError(`shapes [${a.join()}] and [${b.join()}] don't broadcast`);
  });
}

/** Reverts a broadcast from `shape` to that of `x`: sums over the repeated axes. */
export function sumTo(x: Value, shape: Shape): Value {
  const extra = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, axis) =>
    axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return x;
  const summed = x.graph.emit('ReduceSum', [x, x.graph.integers(axes)], {
    shape: x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    attributes: { keepdims: { int: 1 } },
  });
  return extra === 0 ? summed : reshape(summed, shape);
}

/** Reshapes a tensor; at most one size of `shape` may be known at run time only. @throws GraphError */
export function reshape(x: Value, shape: Shape): Value {
  if (shape.filter((size) => typeof size !== 'number').length > 1) {
    throw new GraphError(`reshape to [${shape.join()}]: more than one size is unknown`);
  }
  const target = x.graph.integers(shape.map((size) => (typeof size === 'number' ? size : -1)));
  return x.graph.emit('Reshape', [x, target], { shape, gradients: [(dy) => reshape(dy, x.shape)] });
}
