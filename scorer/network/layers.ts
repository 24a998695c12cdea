import { add } from './arithmetic.ts';
import { fixed, GraphError, type GradientRule, type Value } from './graph.ts';
import type { Shape } from './onnx.ts';

/**
 * A convolution with stride 1 and "same" padding; odd kernel sizes only.
 *
 * @param x [batch, channels in, height, width]
 * @param weight [channels out, channels in, kernel height, kernel width]
 * @param bias [channels out]
 */
export function conv2d(x: Value, weight: Value, bias: Value): Value {
  const [batch, channelsIn, height, width] = x.shape.map((size, axis) => (axis === 0 ? size : fixed(size)));
  const [channelsOut, weightIn, kernelHeight, kernelWidth] = weight.shape.map(fixed) as [
    number,
    number,
    number,
    number,
  ];
  if (weightIn !== channelsIn) throw new GraphError(`${weight.name} expects ${weightIn} channels, got ${channelsIn}`);
  const attributes = {
    kernel_shape: { ints: [kernelHeight, kernelWidth] },
    pads: { ints: [...half(kernelHeight, kernelWidth), ...half(kernelHeight, kernelWidth)] },
  };
  return x.graph.emit('Conv', [x, weight, bias], {
    shape: [batch, channelsOut, height, width] as Shape,
    attributes,
    gradients: [
      // The gradient of a convolution in its input is a transposed convolution with the same kernel.
      (dy) => x.graph.emit('ConvTranspose', [dy, weight], { shape: x.shape, attributes }),
      (dy) => convolutionWeightGradient(x, dy, weight),
      (dy) =>
        x.graph.emit('ReduceSum', [dy, x.graph.integers([0, 2, 3])], {
          shape: bias.shape,
          attributes: { keepdims: { int: 0 } },
        }),
    ],
  });
}

/**
 * dW[out, in, i, j] = sum over batch, p, q of dY[batch, out, p, q] * X[batch, in, p + i - pad, q + j - pad]: the
 * convolution of X by dY with batch and channels swapped.
 */
function convolutionWeightGradient(x: Value, dy: Value, weight: Value): Value {
  const { graph } = x;
  const [channelsOut, channelsIn, kernelHeight, kernelWidth] = weight.shape.map(fixed) as [
    number,
    number,
    number,
    number,
  ];
  const gradient = graph.emit('Conv', [swapFirstTwo(x), swapFirstTwo(dy)], {
    shape: [channelsIn, channelsOut, kernelHeight, kernelWidth],
    attributes: {
      kernel_shape: { ints: [fixed(x.shape[2]), fixed(x.shape[3])] },
      pads: { ints: [...half(kernelHeight, kernelWidth), ...half(kernelHeight, kernelWidth)] },
    },
  });
  return swapFirstTwo(gradient);
}

function half(kernelHeight: number, kernelWidth: number): [number, number] {
  if (kernelHeight % 2 === 0 || kernelWidth % 2 === 0) throw new GraphError('"same" padding needs odd kernel sizes');
  return [(kernelHeight - 1) / 2, (kernelWidth - 1) / 2];
}

function swapFirstTwo(x: Value): Value {
  const [first, second, ...rest] = x.shape;
  return x.graph.emit('Transpose', [x], {
    shape: [second, first, ...rest] as Shape,
    attributes: { perm: { ints: [1, 0, 2, 3] } },
  });
}

/**
 * A fully connected layer, `x * weight + bias`.
 *
 * @param x [batch, in]
 * @param weight [in, out]
 * @param bias [out]
 */
export function dense(x: Value, weight: Value, bias: Value): Value {
  return add(matmul(x, weight), bias);
}

/** The matrix product of `a` [rows, inner] and `b` [inner, columns]. */
export function matmul(a: Value, b: Value): Value {
  const gradients = [
    (dy: Value) => gemm(dy, b, { transposeB: true }),
    (dy: Value) => gemm(a, dy, { transposeA: true }),
  ];
  return gemm(a, b, { gradients });
}

export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added to the product; a row is added to all rows. */
  readonly plus?: Value;
  readonly gradients?: readonly GradientRule[];
}

/** The product of two matrices, as one operation. Without `gradients` it has no gradient rules. */
export function gemm(a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transposeA = false, transposeB = false, plus, gradients = [] } = options;
  const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : [a.shape[0], a.shape[1]];
  const [innerB, columns] = transposeB ? [b.shape[1], b.shape[0]] : [b.shape[0], b.shape[1]];
  if (inner !== innerB) throw new GraphError(`[${a.shape.join()}] and [${b.shape.join()}] can't be multiplied`);
  return a.graph.emit('Gemm', plus === undefined ? [a, b] : [a, b, plus], {
    shape: [rows, columns] as Shape,
    attributes: { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } },
    gradients,
  });
}
