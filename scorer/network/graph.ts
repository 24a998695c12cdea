import type {
  Dimension,
  OnnxAttribute,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxType,
  OnnxValueInfo,
  Shape,
} from './onnx.ts';

/** The number of windows in a batch: the only dimension that is known at run time only. */
export const BATCH = 'batch';

/** A graph is invalid: shapes don't match, or a value has no gradient. */
export class GraphError extends Error {
  readonly code = 'GRAPH';
  override readonly name = 'GraphError';
}

/** A tensor in a graph: an input, a constant, or the result of an operation. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly type: OnnxType;
}

/** Adds nodes that compute the gradient with respect to one input from the gradient with respect to the output. */
export type GradientRule = (upstream: Value) => Value;

/** The same for an operation with several results; the gradient of a result without effect on the loss is undefined. */
export type JointGradientRule = (upstreams: readonly (Value | undefined)[]) => Value;

/** A node of a graph with its gradient rules. */
export interface Operation {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly rules: readonly (JointGradientRule | undefined)[];
}

interface EmitOptions {
  readonly shape: Shape;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly type?: OnnxType;
  /** One rule per input; without a rule, the output counts as constant in that input. */
  readonly gradients?: readonly (GradientRule | undefined)[];
}

interface EmitAllOptions {
  readonly results: readonly { readonly shape: Shape; readonly type?: OnnxType }[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly gradients?: readonly (JointGradientRule | undefined)[];
}

/**
 * Records operations in execution order, for differentiation and for export as ONNX.
 *
 * @example
 * const graph = new Graph();
 * const w = graph.input('w', [3]);
 * const loss = sum(square(w));
 * graph.output('loss', loss).output('dw', gradients(loss, [w])[0]);
 * encodeModel(graph.toModel('example'));
 */
export class Graph {
  readonly operations: Operation[] = [];
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  #count = 0;

  input(name: string, shape: Shape, type: OnnxType = 'float32'): Value {
    this.#inputs.push({ name, shape, type });
    return this.#value(name, shape, type);
  }

  /** A tensor stored in the model. */
  constant(name: string, data: Float32Array, shape: readonly number[]): Value {
    if (data.length !== sizeOf(shape)) {
      throw new GraphError(`${name}: expected ${sizeOf(shape)} values for shape [${shape.join()}], got ${data.length}`);
    }
    this.#initializers.set(name, { name, shape, data });
    return this.#value(name, shape);
  }

  scalar(value: number): Value {
    return this.constant(`scalar_${value}`, Float32Array.of(value), []);
  }

  /** A constant list of int64: axes, sizes or a shape. */
  integers(values: readonly number[]): Value {
    const name = `integers_${values.join('_')}`;
    this.#initializers.set(name, { name, shape: [values.length], data: BigInt64Array.from(values, BigInt) });
    return this.#value(name, [values.length], 'int64');
  }

  emit(operator: string, inputs: readonly Value[], options: EmitOptions): Value {
    const { shape, attributes = {}, type = 'float32', gradients: rules = [] } = options;
    const joint = rules.map((rule) => rule && (([upstream]: readonly (Value | undefined)[]) => rule(upstream!)));
    return this.emitAll(operator, inputs, { results: [{ shape, type }], attributes, gradients: joint })[0]!;
  }

  /**
   * An operation with several results.
   *
   * @param inputs undefined for an optional one that is left out
   */
  emitAll(operator: string, inputs: readonly (Value | undefined)[], options: EmitAllOptions): Value[] {
    const { results, attributes = {}, gradients: rules = [] } = options;
    const outputs = results.map(({ shape, type }) => this.#value(`${operator}_${this.#count++}`, shape, type));
    const names = (values: readonly (Value | undefined)[]) => values.map((value) => value?.name ?? '');
    this.#nodes.push({ operator, inputs: names(inputs), outputs: names(outputs), attributes });
    const given = [...inputs.keys()].filter((index) => inputs[index] !== undefined);
    this.operations.push({
      inputs: given.map((index) => inputs[index]!),
      outputs,
      rules: given.map((index) => rules[index]),
    });
    return outputs;
  }

  /** Splits a vector into consecutive parts of the given sizes. It has no gradient rule. */
  split(vector: Value, sizes: readonly number[]): Value[] {
    const results = sizes.map((size) => ({ shape: [size] }));
    return this.emitAll('Split', [vector, this.integers(sizes)], { results, attributes: { axis: { int: 0 } } });
  }

  output(name: string, value: Value): this {
    this.#nodes.push({ operator: 'Identity', inputs: [value.name], outputs: [name], attributes: {} });
    this.#outputs.push({ name, shape: value.shape, type: value.type });
    return this;
  }

  toModel(name: string, metadata: Readonly<Record<string, string>> = {}): OnnxModel {
    return {
      name,
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
      metadata,
    };
  }

  #value(name: string, shape: Shape, type: OnnxType = 'float32'): Value {
    return { graph: this, name, shape, type };
  }
}

/** Number of entries of a tensor. @throws GraphError if a size is known at run time only */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * fixed(size), 1);
}

/** Asserts that a size is fixed. @throws GraphError if it is known at run time only */
export function fixed(size: Dimension | undefined): number {
  if (typeof size !== 'number') throw new GraphError(`expected a fixed size, got ${size ?? 'no dimension'}`);
  return size;
}
