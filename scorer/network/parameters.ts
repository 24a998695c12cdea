import { Random } from '../numeric/random.ts';
import { reshape } from './arithmetic.ts';
import { type Graph, GraphError, sizeOf, type Value } from './graph.ts';
import { GRU_BLOCKS } from './layers/gru.ts';
import { LSTM_BLOCKS } from './layers/lstm.ts';
import type { RecurrentWeights } from './layers/recurrent.ts';

/**
 * - `glorot`: uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010)
 * - `orthogonal`: each block of as many rows as columns is an orthogonal matrix (Saxe et al. 2014)
 * - `zeros`
 * - `lstm-bias`: zeros, but 1 for the forget gates (Jozefowicz et al. 2015)
 */
export type Initialiser = 'glorot' | 'orthogonal' | 'zeros' | 'lstm-bias';

/** One trained tensor of a network. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** Number of inputs of one unit; 0 for a bias, to which weight decay doesn't apply. */
  readonly fanIn: number;
  readonly fanOut: number;
  readonly initialiser: Initialiser;
}

/** The parameters of a network, in the order of their values in one vector. */
export type ParameterLayout = readonly ParameterSpec[];

/** `<name>.weight` [in, out] and `<name>.bias`, for `dense`. */
export function denseParameters(name: string, inputs: number, outputs: number): ParameterSpec[] {
  return [glorot(`${name}.weight`, [inputs, outputs], inputs, outputs), bias(`${name}.bias`, [outputs])];
}

/** `<name>.weight` [out, in, ...kernel] and `<name>.bias`, for `conv1d` and `conv2d`. */
export function convolutionParameters(
  name: string,
  channelsIn: number,
  channelsOut: number,
  kernel: readonly number[],
): ParameterSpec[] {
  const area = sizeOf(kernel);
  const weight = glorot(`${name}.weight`, [channelsOut, channelsIn, ...kernel], channelsIn * area, channelsOut * area);
  return [weight, bias(`${name}.bias`, [channelsOut])];
}

/** `<name>.input`, `<name>.recurrent` and `<name>.bias`, for `gru` with `recurrentWeights`. */
export function gruParameters(name: string, inputs: number, units: number): ParameterSpec[] {
  return recurrentParameters(name, inputs, units, GRU_BLOCKS, 'zeros');
}

/** The same for `lstm`. */
export function lstmParameters(name: string, inputs: number, units: number): ParameterSpec[] {
  return recurrentParameters(name, inputs, units, LSTM_BLOCKS, 'lstm-bias');
}

/** `<name>.table` [n, d], for `embedding`. */
export function embeddingParameters(name: string, count: number, width: number): ParameterSpec[] {
  return [glorot(`${name}.table`, [count, width], count, width)];
}

function recurrentParameters(
  name: string,
  inputs: number,
  units: number,
  blocks: number,
  initialiser: Initialiser,
): ParameterSpec[] {
  const rows = blocks * units;
  return [
    glorot(`${name}.input`, [rows, inputs], inputs, rows),
    { ...glorot(`${name}.recurrent`, [rows, units], units, rows), initialiser: 'orthogonal' },
    { ...bias(`${name}.bias`, [2, rows]), initialiser },
  ];
}

function glorot(name: string, shape: readonly number[], fanIn: number, fanOut: number): ParameterSpec {
  return { name, shape, size: sizeOf(shape), fanIn, fanOut, initialiser: 'glorot' };
}

function bias(name: string, shape: readonly number[]): ParameterSpec {
  return { name, shape, size: sizeOf(shape), fanIn: 0, fanOut: 0, initialiser: 'zeros' };
}

/** Number of values of all parameters. */
export function layoutSize(layout: ParameterLayout): number {
  return layout.reduce((total, { size }) => total + size, 0);
}

/** The parameters with their values, as views of the vector. */
export function parametersOf<T extends ParameterSpec>(
  layout: readonly T[],
  values: Float32Array,
): (T & { data: Float32Array })[] {
  let offset = 0;
  return layout.map((spec) => ({ ...spec, data: values.subarray(offset, (offset += spec.size)) }));
}

/** Untrained values; equal seeds give equal values. */
export function initialValues(layout: ParameterLayout, seed: number): Float32Array {
  const random = new Random(seed);
  const values = new Float32Array(layoutSize(layout));
  for (const parameter of parametersOf(layout, values)) initialise(parameter, random);
  return values;
}

function initialise(parameter: ParameterSpec & { data: Float32Array }, random: Random): void {
  const { data, shape, fanIn, fanOut, initialiser } = parameter;
  switch (initialiser) {
    case 'zeros':
      return;
    case 'lstm-bias': {
      // Blocks i, o, f, g of the first of two rows.
      const units = shape[1]! / LSTM_BLOCKS;
      data.fill(1, 2 * units, 3 * units);
      return;
    }
    case 'glorot': {
      const bound = Math.sqrt(6 / (fanIn + fanOut));
      for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
      return;
    }
    case 'orthogonal': {
      const columns = shape[1]!;
      for (let start = 0; start < data.length; start += columns ** 2) {
        fillOrthonormal(data.subarray(start, start + columns ** 2), columns, random);
      }
    }
  }
}

/** Rows of normal numbers, each made orthogonal to those before it (Gram and Schmidt) and of length 1. */
function fillOrthonormal(data: Float32Array, columns: number, random: Random): void {
  const rows: Float64Array[] = [];
  for (let start = 0; start < data.length; start += columns) {
    const row = Float64Array.from({ length: columns }, () => random.normal());
    for (const earlier of rows) {
      const share = row.reduce((sum, value, i) => sum + value * earlier[i]!, 0);
      for (let i = 0; i < columns; i++) row[i]! -= share * earlier[i]!;
    }
    const length = Math.hypot(...row);
    for (let i = 0; i < columns; i++) row[i]! /= length;
    rows.push(row);
    data.set(row, start);
  }
}

/** The parameters as values of a graph, by name. */
export class Parameters {
  readonly #values: ReadonlyMap<string, Value>;

  constructor(values: Iterable<readonly [string, Value]>) {
    this.#values = new Map(values);
  }

  /** @throws GraphError if the layout has no such parameter */
  get(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new GraphError(`there is no parameter ${name}`);
    return value;
  }

  /** All of them, in the order of the layout. */
  all(): Value[] {
    return [...this.#values.values()];
  }
}

/** The operands of the `gru` or `lstm` whose parameters have this name. */
export function recurrentWeights(parameters: Parameters, name: string): RecurrentWeights {
  const [input, recurrent, biases] = ['input', 'recurrent', 'bias'].map((part) => parameters.get(`${name}.${part}`));
  return { input: input!, recurrent: recurrent!, bias: biases! };
}

/** Stores the parameters in a graph, for inference. */
export function storedParameters(graph: Graph, layout: ParameterLayout, values: Float32Array): Parameters {
  return new Parameters(
    parametersOf(layout, values).map(({ name, shape, data }) => [name, graph.constant(name, data, shape)]),
  );
}

/** Adds the input `weights`, the vector of all parameters, and splits it into the parameters. */
export function packedParameters(graph: Graph, layout: ParameterLayout): { vector: Value; parameters: Parameters } {
  const vector = graph.input('weights', [layoutSize(layout)]);
  const parts = graph.split(
    vector,
    layout.map(({ size }) => size),
  );
  return { vector, parameters: new Parameters(layout.map(({ name, shape }, i) => [name, reshape(parts[i]!, shape)])) };
}
