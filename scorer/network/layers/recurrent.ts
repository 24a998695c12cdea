import { add, reshape, sumTo } from '../arithmetic.ts';
import { fixed, GraphError, type JointGradientRule, type Value } from '../graph.ts';
import { gemm } from '../layers.ts';
import type { Dimension } from '../onnx.ts';
import { concat, pad, parts, slice, transpose } from '../shaping.ts';

/**
 * Common parts of the GRU and the LSTM. The forward pass is one ONNX operator, in training as in inference. The
 * gradient recomputes the gates of all steps at once from the hidden states; only backpropagation through time is a
 * chain of small operations. `npm run bench -- gru-vae` compares this with small operations in both directions.
 *
 * Inside, tensors are [steps, batch, ...], or [steps * batch, ...] where matrices are multiplied.
 */

/** Weights of one layer of `units` cells; a GRU has 3 blocks of rows, an LSTM 4, in ONNX's order. */
export interface RecurrentWeights {
  /** [blocks * units, in]: PyTorch's `weight_ih`, blocks in ONNX's order. */
  readonly input: Value;
  /** [blocks * units, units]: PyTorch's `weight_hh`. */
  readonly recurrent: Value;
  /** [2, blocks * units]: PyTorch's `bias_ih` and `bias_hh`. */
  readonly bias: Value;
}

export interface RecurrentSizes {
  readonly batch: Dimension;
  readonly steps: number;
  readonly inputs: number;
  readonly units: number;
  /** steps * batch */
  readonly rows: Dimension;
}

/** @throws GraphError when the weights don't fit `x` [batch, steps, in] or each other. */
export function recurrentSizes(x: Value, weights: RecurrentWeights, blocks: number): RecurrentSizes {
  const [batch, steps, inputs] = [x.shape[0]!, fixed(x.shape[1]), fixed(x.shape[2])];
  const units = fixed(weights.recurrent.shape[1]);
  const expected = [
    [weights.input, [blocks * units, inputs]],
    [weights.recurrent, [blocks * units, units]],
    [weights.bias, [2, blocks * units]],
  ] as const;
  for (const [{ name, shape }, size] of expected) {
    if (shape.join() !== size.join())
      throw new GraphError(`${name} has shape [${shape.join()}], expected [${size.join()}]`);
  }
  const rows = typeof batch === 'number' ? batch * steps : steps === 1 ? batch : `${batch}_${steps}`;
  return { batch, steps, inputs, units, rows };
}

/** [batch, steps, d] -> [steps, batch, d]. */
export function timeMajor(x: Value): Value {
  return transpose(x, [1, 0, 2]);
}

/** ONNX's [steps, 1, batch, units] -> [batch, steps, units]. */
export function batchMajor(states: Value): Value {
  const [steps, , batch, units] = states.shape;
  return reshape(transpose(states, [2, 0, 1, 3]), [batch!, steps!, units!]);
}

/** The operands in ONNX's shapes, with an axis for the direction. */
export function oneDirection({ input, recurrent, bias }: RecurrentWeights): [Value, Value, Value] {
  const [blocksOfUnits] = input.shape;
  return [
    reshape(input, [1, ...input.shape]),
    reshape(recurrent, [1, ...recurrent.shape]),
    reshape(bias, [1, 2 * fixed(blocksOfUnits)]),
  ];
}

/** The state before each step, [rows, units]; `states` are those after each step, with as many entries. */
export function previousStates(states: Value, initial: Value | undefined, sizes: RecurrentSizes): Value {
  const { batch, steps, units, rows } = sizes;
  const bySteps = reshape(states, [steps, batch, units]);
  if (initial === undefined) return reshape(pad(bySteps, 0, 1, -1), [rows, units]);
  const first = reshape(initial, [1, batch, units]);
  return reshape(steps === 1 ? first : concat([first, slice(bySteps, 0, 0, steps - 1)], 0), [rows, units]);
}

/** [rows, d] -> a [batch, d] for each step. */
export function byStep(x: Value, { steps, batch }: RecurrentSizes): Value[] {
  return parts(x, 0, steps, batch);
}

/** A [batch, d] for each step -> [rows, d]. */
export function stackSteps(values: readonly Value[], { rows }: RecurrentSizes): Value {
  const [first] = values;
  return first!.graph.emit('Concat', values, { shape: first!.shape.with(0, rows), attributes: { axis: { int: 0 } } });
}

/** The operands of a layer as matrices, for its gradient. */
export interface Operands {
  /** [rows, in] */
  readonly x: Value;
  /** The hidden state before each step, [rows, units]. */
  readonly previous: Value;
  readonly weights: RecurrentWeights;
}

/**
 * @param sequence [steps, batch, in]
 * @param states ONNX's [steps, 1, batch, units]
 */
export function flatOperands(
  sequence: Value,
  states: Value,
  weights: RecurrentWeights,
  initial: Value | undefined,
  sizes: RecurrentSizes,
): Operands {
  const x = reshape(sequence, [sizes.rows, sizes.inputs]);
  return { x, previous: previousStates(states, initial, sizes), weights };
}

/** `x * input^T + bias` and `previous * recurrent^T + bias`, each [rows, blocks * units], for all steps at once. */
export function preactivations({ x, previous, weights }: Operands): { ofInput: Value; ofRecurrent: Value } {
  const [inputBias, recurrentBias] = [0, 1].map((index) => slice(weights.bias, 0, index, index + 1));
  return {
    ofInput: gemm(x, weights.input, { transposeB: true, plus: inputBias! }),
    ofRecurrent: gemm(previous, weights.recurrent, { transposeB: true, plus: recurrentBias! }),
  };
}

/** Gradients with respect to the two preactivations. */
export interface PreactivationGradients {
  readonly ofInput: Value;
  readonly ofRecurrent: Value;
}

/** The rules for the operation's inputs X, W, R and B, in ONNX's shapes. */
export function operandRules(
  operands: () => Operands,
  { steps, batch, inputs }: RecurrentSizes,
  backward: JointGradient<PreactivationGradients>,
): JointGradientRule[] {
  const oneDirectional = (gradient: Value) => reshape(gradient, [1, ...gradient.shape]);
  return [
    (upstreams) => reshape(gemm(backward(upstreams).ofInput, operands().weights.input), [steps, batch, inputs]),
    (upstreams) => oneDirectional(gemm(backward(upstreams).ofInput, operands().x, { transposeA: true })),
    (upstreams) => oneDirectional(gemm(backward(upstreams).ofRecurrent, operands().previous, { transposeA: true })),
    (upstreams) => {
      const { ofInput, ofRecurrent } = backward(upstreams);
      return oneDirectional(
        concat(
          [ofInput, ofRecurrent].map((value) => sumTo(value, [value.shape[1]!])),
          0,
        ),
      );
    },
  ];
}

/** The gradient of each step's hidden state by the layer's results, [batch, units]; undefined if there is none. */
export function upstreamBySteps(
  [states, last]: readonly (Value | undefined)[],
  sizes: RecurrentSizes,
): (Value | undefined)[] {
  const { steps, batch, units, rows } = sizes;
  const found: (Value | undefined)[] =
    states === undefined ? Array.from({ length: steps }) : byStep(reshape(states, [rows, units]), sizes);
  return found.with(steps - 1, plus(found.at(-1), last && reshape(last, [batch, units])));
}

/** The sum of two gradients, of which either may be missing. */
export function plus(a: Value | undefined, b: Value | undefined): Value | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return add(a, b);
}

/** Memoizes the common part of an operation's gradient rules, which run one after another with the same gradients. */
export function shared<T>(compute: JointGradient<T>): JointGradient<T> {
  let last: { readonly upstreams: readonly (Value | undefined)[]; readonly result: T } | undefined;
  return (upstreams) => {
    if (last?.upstreams.every((upstream, index) => upstream === upstreams[index]) !== true) {
      last = { upstreams: [...upstreams], result: compute(upstreams) };
    }
    return last.result;
  };
}

/** Memoizes a value. */
export function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

export type JointGradient<T> = (upstreams: readonly (Value | undefined)[]) => T;
