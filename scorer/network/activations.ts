import { div, mul, scale, sub } from './arithmetic.ts';
import type { Value } from './graph.ts';

/**
 * Elementwise functions of one tensor. Where the derivative can be computed from the result, its rule doesn't use the
 * argument: onnxruntime can then fuse the function into the preceding convolution.
 */

export function relu(x: Value): Value {
  const y: Value = x.graph.emit('Relu', [x], { shape: x.shape, gradients: [(dy) => mul(dy, sign(y))] });
  return y;
}

/** `x` above 0, `slope * x` below. Unlike with ReLU, no unit dies. */
export function leakyRelu(x: Value, slope: number): Value {
  const { graph, shape } = x;
  const y: Value = graph.emit('LeakyRelu', [x], {
    shape,
    attributes: { alpha: { float: slope } },
    gradients: [(dy) => graph.emit('Where', [positive(y), dy, scale(dy, slope)], { shape })],
  });
  return y;
}

export function sigmoid(x: Value): Value {
  const y: Value = x.graph.emit('Sigmoid', [x], {
    shape: x.shape,
    gradients: [(dy) => mul(dy, mul(y, sub(x.graph.scalar(1), y)))],
  });
  return y;
}

export function tanh(x: Value): Value {
  const y: Value = x.graph.emit('Tanh', [x], {
    shape: x.shape,
    gradients: [(dy) => mul(dy, sub(x.graph.scalar(1), square(y)))],
  });
  return y;
}

export function exp(x: Value): Value {
  const y: Value = x.graph.emit('Exp', [x], { shape: x.shape, gradients: [(dy) => mul(dy, y)] });
  return y;
}

/** The natural logarithm. */
export function log(x: Value): Value {
  return x.graph.emit('Log', [x], { shape: x.shape, gradients: [(dy) => div(dy, x)] });
}

export function square(x: Value): Value {
  return x.graph.emit('Mul', [x, x], { shape: x.shape, gradients: [(dy) => mul(dy, scale(x, 2))] });
}

/** The absolute value; its gradient at 0 is 0. */
export function abs(x: Value): Value {
  return x.graph.emit('Abs', [x], { shape: x.shape, gradients: [(dy) => mul(dy, sign(x))] });
}

/** Limits `x` to -bound..bound; the gradient outside is 0. */
export function clip(x: Value, bound: number): Value {
  const { graph, shape } = x;
  const inside = () => graph.emit('Less', [abs(x), graph.scalar(bound)], { shape });
  return graph.emit('Clip', [x, graph.scalar(-bound), graph.scalar(bound)], {
    shape,
    gradients: [(dy) => graph.emit('Where', [inside(), dy, graph.scalar(0)], { shape })],
  });
}

function sign(x: Value): Value {
  return x.graph.emit('Sign', [x], { shape: x.shape });
}

function positive(x: Value): Value {
  return x.graph.emit('Greater', [x, x.graph.scalar(0)], { shape: x.shape });
}
