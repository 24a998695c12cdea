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
  previousStates,
  type RecurrentSizes,
  recurrentSizes,
  type RecurrentWeights,
  shared,
  stackSteps,
  timeMajor,
  upstreamBySteps,
} from './recurrent.ts';

/** Blocks of rows of an LSTM's weights: input, output and forget gate, candidate: i, o, f, g. (PyTorch's: i, f, g, o.) */
export const LSTM_BLOCKS = 4;

/** Two vectors for each cell, [batch, units]. */
export interface LstmState {
  readonly hidden: Value;
  readonly cell: Value;
}

export interface LstmStates {
  /** After each step, [batch, steps, units]. */
  readonly hidden: Value;
  /** After the last step. */
  readonly last: LstmState;
}

/**
 * A layer of long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates), as PyTorch defines it.
 *
 *     i, o, f = sigmoid(W x + b + R h + c);  g = tanh(W x + b + R h + c)
 *     cell' = f * cell + i * g;  h' = o * tanh(cell')
 *
 * @param x [batch, steps, in]
 * @param initial zeros where it is left out
 */
export function lstm(x: Value, weights: RecurrentWeights, initial?: LstmState): LstmStates {
  const sizes = recurrentSizes(x, weights, LSTM_BLOCKS);
  const { batch, steps, units } = sizes;
  const single = [1, batch, units];
  const sequence = timeMajor(x);
  const state = initial && [reshape(initial.hidden, single), reshape(initial.cell, single)];
  const operands = once(() => flatOperands(sequence, states!, weights, initial?.hidden, sizes));
  const backward = shared((upstreams) => lstmBackward(operands(), initial?.cell, sizes, upstreams));
  const inputs = [sequence, ...oneDirection(weights), undefined, ...(state ?? [])];
  const [states, hidden, cell] = x.graph.emitAll('LSTM', inputs, {
    results: [{ shape: [steps, 1, batch, units] }, { shape: single }, { shape: single }],
    attributes: { hidden_size: { int: units } },
    gradients: [
      ...operandRules(operands, sizes, backward),
      undefined,
      (upstreams) => reshape(backward(upstreams).ofInitial.hidden, single),
      (upstreams) => reshape(backward(upstreams).ofInitial.cell, single),
    ],
  });
  const last = { hidden: reshape(hidden!, [batch, units]), cell: reshape(cell!, [batch, units]) };
  return { hidden: batchMajor(states!), last };
}

interface LstmGradients extends PreactivationGradients {
  readonly ofInitial: LstmState;
}

/** Backpropagation through time, as for a GRU, of the hidden state and of the cell. */
function lstmBackward(
  operands: Operands,
  initialCell: Value | undefined,
  sizes: RecurrentSizes,
  upstreams: readonly (Value | undefined)[],
): LstmGradients {
  const { forget, cellByHidden, preactivations: factors } = lstmFactors(operands, initialCell, sizes);
  const [forgetBySteps, cellBySteps, factorsBySteps] = [forget, cellByHidden, factors].map((value) =>
    byStep(value, sizes),
  ) as [Value[], Value[], Value[]];
  const outside = upstreamBySteps(upstreams, sizes);
  const lastCell = upstreams[2];
  const found: Value[] = [];
  let carried: { hidden?: Value; cell?: Value } =
    lastCell === undefined ? {} : { cell: reshape(lastCell, [sizes.batch, sizes.units]) };
  for (let step = sizes.steps - 1; step >= 0; step--) {
    const hidden = plus(outside[step], carried.hidden);
    const cell = plus(hidden && mul(hidden, cellBySteps[step]!), carried.cell)!;
    // If the loss depends on the last cell only, the last hidden state has no gradient.
    const through = hidden ?? mul(cell, cell.graph.scalar(0));
    const preactivation = mul(concat([cell, through, cell, cell], 1), factorsBySteps[step]!);
    found.unshift(preactivation);
    carried = { hidden: gemm(preactivation, operands.weights.recurrent), cell: mul(cell, forgetBySteps[step]!) };
  }
  const preactivation = stackSteps(found, sizes);
  const ofInitial = { hidden: carried.hidden!, cell: carried.cell! };
  return { ofInput: preactivation, ofRecurrent: preactivation, ofInitial };
}

/** Derivatives, [rows, ...]. */
interface LstmFactors {
  /** Of a cell by the one before: the forget gate. */
  readonly forget: Value;
  /** Of the hidden state by the cell. */
  readonly cellByHidden: Value;
  /** Of the cell (i, f, g) or the hidden state (o) by the preactivations, [rows, 4 * units]. */
  readonly preactivations: Value;
}

function lstmFactors(operands: Operands, initialCell: Value | undefined, sizes: RecurrentSizes): LstmFactors {
  const { units } = sizes;
  const { ofInput, ofRecurrent } = preactivations(operands);
  const sum = add(ofInput, ofRecurrent);
  const one = sum.graph.scalar(1);
  const derivative = (gate: Value) => mul(gate, sub(one, gate));
  const gates = parts(sigmoid(slice(sum, 1, 0, 3 * units)), 1, 3, units) as [Value, Value, Value];
  const [input, output, forget] = gates;
  const candidate = tanh(slice(sum, 1, 3 * units, 4 * units));
  const cells = cellStates(mul(input, candidate), forget, initialCell, sizes);
  const squashed = tanh(cells);
  const byPreactivations = [
    mul(candidate, derivative(input)),
    mul(squashed, derivative(output)),
    mul(previousStates(cells, initialCell, sizes), derivative(forget)),
    mul(input, sub(one, square(candidate))),
  ];
  return {
    forget,
    cellByHidden: mul(output, sub(one, square(squashed))),
    preactivations: concat(byPreactivations, 1),
  };
}

/** The cell state after each step, [rows, units]; ONNX's operator returns only the last. */
function cellStates(added: Value, forget: Value, initial: Value | undefined, sizes: RecurrentSizes): Value {
  const forgetBySteps = byStep(forget, sizes);
  let cell = initial;
  const cells = byStep(added, sizes).map((news, step) => {
    cell = cell === undefined ? news : add(mul(forgetBySteps[step]!, cell), news);
    return cell;
  });
  return stackSteps(cells, sizes);
}
