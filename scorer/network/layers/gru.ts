import { sigmoid, square, tanh } from '../activations.ts';
import { add, mul, reshape, sub } from '../arithmetic.ts';
import type { Value } from '../graph.ts';
import { gemm } from '../layers.ts';
import { concat, parts, slice } from '../shaping.ts';
import {
  batchMajor,
  byStep,
  flatOperands,
  once,
  oneDirection,
  operandRules,
  type Operands,
  plus,
  type PreactivationGradients,
  preactivations,
  type RecurrentSizes,
  recurrentSizes,
  type RecurrentWeights,
  shared,
  stackSteps,
  timeMajor,
  upstreamBySteps,
} from './recurrent.ts';

/** Blocks of rows of a GRU's weights: update gate z, reset gate r, candidate n. (PyTorch's order is r, z, n.) */
export const GRU_BLOCKS = 3;

export interface GruStates {
  /** After each step, [batch, steps, units]. */
  readonly hidden: Value;
  /** After the last step, [batch, units]. */
  readonly last: Value;
}

/**
 * A layer of gated recurrent units (Cho et al. 2014), as PyTorch defines it: the reset gate acts on the recurrent
 * product with its bias (ONNX's linear_before_reset = 1).
 *
 *     z, r = sigmoid(W x + b + R h + c);  n = tanh(W x + b + r * (R h + c));  h' = (1 - z) * n + z * h
 *
 * @param x [batch, steps, in]
 * @param initial [batch, units]; zeros where it is left out
 */
export function gru(x: Value, weights: RecurrentWeights, initial?: Value): GruStates {
  const sizes = recurrentSizes(x, weights, GRU_BLOCKS);
  const { batch, steps, units } = sizes;
  const sequence = timeMajor(x);
  const state = initial && reshape(initial, [1, batch, units]);
  const operands = once(() => flatOperands(sequence, states!, weights, initial, sizes));
  const backward = shared((upstreams) => gruBackward(operands(), sizes, upstreams));
  const [states, last] = x.graph.emitAll('GRU', [sequence, ...oneDirection(weights), undefined, state], {
    results: [{ shape: [steps, 1, batch, units] }, { shape: [1, batch, units] }],
    attributes: { hidden_size: { int: units }, linear_before_reset: { int: 1 } },
    gradients: [
      ...operandRules(operands, sizes, backward),
      undefined,
      (upstreams) => reshape(backward(upstreams).ofInitial, [1, batch, units]),
    ],
  });
  return { hidden: batchMajor(states!), last: reshape(last!, [batch, units]) };
}

interface GruGradients extends PreactivationGradients {
  readonly ofInitial: Value;
}

/**
 * Backpropagation through time. The gradients of a step's preactivations are the gradient of its state times factors
 * that don't depend on that gradient, so the factors of all steps are computed at once.
 */
function gruBackward(
  operands: Operands,
  sizes: RecurrentSizes,
  upstreams: readonly (Value | undefined)[],
): GruGradients {
  const { z, ofInput, ofRecurrent } = gruFactors(operands, sizes);
  const [zBySteps, factorsBySteps] = [byStep(z, sizes), byStep(ofRecurrent, sizes)];
  const outside = upstreamBySteps(upstreams, sizes);
  const found: Value[] = [];
  let carried: Value | undefined;
  for (let step = sizes.steps - 1; step >= 0; step--) {
    const state = plus(outside[step], carried)!;
    found.unshift(state);
    const preactivation = mul(concat([state, state, state], 1), factorsBySteps[step]!);
    carried = gemm(preactivation, operands.weights.recurrent, { plus: mul(state, zBySteps[step]!) });
  }
  const state = stackSteps(found, sizes);
  const repeated = concat([state, state, state], 1);
  return { ofInput: mul(repeated, ofInput), ofRecurrent: mul(repeated, ofRecurrent), ofInitial: carried! };
}

/** The update gate, [rows, units], and the derivatives of the new state by the preactivations, [rows, 3 * units]. */
function gruFactors(operands: Operands, { units }: RecurrentSizes): PreactivationGradients & { readonly z: Value } {
  const { ofInput, ofRecurrent } = preactivations(operands);
  const one = ofInput.graph.scalar(1);
  const gates = (value: Value) => slice(value, 1, 0, 2 * units);
  const candidate = (value: Value) => slice(value, 1, 2 * units, 3 * units);
  const derivative = (gate: Value) => mul(gate, sub(one, gate));
  const [z, r] = parts(sigmoid(add(gates(ofInput), gates(ofRecurrent))), 1, 2, units) as [Value, Value];
  const n = tanh(add(candidate(ofInput), mul(r, candidate(ofRecurrent))));
  const byN = mul(sub(one, z), sub(one, square(n)));
  const byR = mul(mul(byN, candidate(ofRecurrent)), derivative(r));
  const byZ = mul(sub(operands.previous, n), derivative(z));
  return { z, ofInput: concat([byZ, byR, byN], 1), ofRecurrent: concat([byZ, byR, mul(byN, r)], 1) };
}
