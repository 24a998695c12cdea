import { reshape } from './arithmetic.ts';
import { gradients } from './gradients.ts';
import { BATCH, Graph, GraphError, sizeOf, type Value } from './graph.ts';
import type { OnnxType } from './onnx.ts';
import { adam, type AdamOptions } from './optimiser.ts';
import { packedParameters, type ParameterLayout, type Parameters } from './parameters.ts';
import { concat } from './shaping.ts';

/** One input of a network under training. */
export interface InputSpec {
  readonly name: string;
  /** Of one example: in the graph, the batch comes before it. */
  readonly shape: readonly number[];
  /** Default: float32. */
  readonly type?: OnnxType;
  /**
   * The trainer draws this input: standard normal numbers, or a mask for `dropout` with this rate. In validation they
   * are 0 or 1, respectively: no noise, nothing dropped.
   */
  readonly noise?: 'normal' | { readonly dropout: number };
}

/** The inputs as values of a graph, by name. */
export type Inputs = Readonly<Record<string, Value>>;

/** A batch's part of the validation loss, which is the total of the sums divided by that of the counts. */
export interface ValidationParts {
  readonly sum: Value;
  readonly count: Value;
}

/** A network to train. */
export interface TrainableNetwork {
  readonly name: string;
  readonly layout: ParameterLayout;
  readonly inputs: readonly InputSpec[];
  /** The scalar to minimise, a mean over the batch. */
  readonly loss: (inputs: Inputs, parameters: Parameters) => Value;
  /** Default: the loss, weighted by the number of examples. */
  readonly validation?: (inputs: Inputs, parameters: Parameters) => ValidationParts;
}

/** Names of the inputs that training adds. */
const STATE = ['weights', 'first_moment', 'second_moment', 'step', 'learning_rate'];

/**
 * One step of Adam. Inputs: the network's, `weights`, `first_moment`, `second_moment` [parameters], `step`,
 * `learning_rate` []. Outputs: `loss`, `gradient_norm` [], and `weights_next`, `first_moment_next`,
 * `second_moment_next`, `step_next`.
 */
export function trainingGraph(network: TrainableNetwork, options: AdamOptions = {}): Graph {
  const graph = new Graph();
  const inputs = networkInputs(graph, network);
  const { vector, parameters } = packedParameters(graph, network.layout);
  const loss = network.loss(inputs, parameters);
  const gradient = concat(
    gradients(loss, parameters.all()).map((value) => reshape(value, [sizeOf(value.shape)])),
    0,
  );
  const state = {
    step: graph.input('step', []),
    firstMoment: graph.input('first_moment', vector.shape),
    secondMoment: graph.input('second_moment', vector.shape),
  };
  const next = adam(vector, gradient, state, graph.input('learning_rate', []), decayed(graph, network.layout), options);
  return graph
    .output('loss', loss)
    .output('gradient_norm', next.gradientNorm)
    .output('weights_next', next.parameters)
    .output('first_moment_next', next.firstMoment)
    .output('second_moment_next', next.secondMoment)
    .output('step_next', next.step);
}

/** Inputs: the network's and `weights`. Outputs: `sum` and `count` [], or `loss` [] without `validation`. */
export function validationGraph(network: TrainableNetwork): Graph {
  const graph = new Graph();
  const inputs = networkInputs(graph, network);
  const { parameters } = packedParameters(graph, network.layout);
  if (network.validation === undefined) return graph.output('loss', network.loss(inputs, parameters));
  const { sum, count } = network.validation(inputs, parameters);
  return graph.output('sum', sum).output('count', count);
}

function networkInputs(graph: Graph, { inputs }: TrainableNetwork): Inputs {
  return Object.fromEntries(
    inputs.map(({ name, shape, type }) => {
      if (STATE.includes(name)) throw new GraphError(`the name ${name} is the trainer's`);
      return [name, graph.input(name, [BATCH, ...shape], type)];
    }),
  );
}

/** Weight decay applies to weights, not to biases. */
function decayed(graph: Graph, layout: ParameterLayout): Value {
  const marks = layout.flatMap(({ size, fanIn }) => Array.from({ length: size }, () => Number(fanIn > 0)));
  return graph.constant('decayed', Float32Array.from(marks), [marks.length]);
}
