import { square } from './activations.ts';
import { add, div, mul, scale, sub } from './arithmetic.ts';
import type { Value } from './graph.ts';
import { sum } from './reductions.ts';

export interface AdamOptions {
  /** Decay rate of the running mean of the gradient. Default: 0.9. */
  readonly beta1?: number;
  /** Decay rate of the running mean of the squared gradient. Default: 0.999. */
  readonly beta2?: number;
  /** Keeps the division finite where the gradient has always been 0. Default: 1e-8. */
  readonly epsilon?: number;
  /** Decoupled weight decay per step, times the learning rate, as in AdamW. Default: 0. */
  readonly weightDecay?: number;
  /** Maximum norm of the gradient; a longer one is scaled down to it. Default: unlimited. */
  readonly clipNorm?: number;
}

/** Adam's state: a scalar and two vectors as long as the parameters. */
export interface AdamState {
  /** Steps taken so far. */
  readonly step: Value;
  readonly firstMoment: Value;
  readonly secondMoment: Value;
}

export interface AdamResult extends AdamState {
  readonly parameters: Value;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: Value;
}

/**
 * Adds one step of Adam (Kingma and Ba 2015, algorithm 1; decoupled weight decay by Loshchilov and Hutter 2019) to the
 * graph that computes the gradient. All parameters are one vector, so that it takes few operations.
 *
 * @param parameters [n]
 * @param gradient [n]
 * @param learningRate [], an input of the graph so that a schedule can change it
 * @param decayed [n], 1 where the weight decay applies
 */
export function adam(
  parameters: Value,
  gradient: Value,
  state: AdamState,
  learningRate: Value,
  decayed: Value | undefined,
  options: AdamOptions = {},
): AdamResult {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, clipNorm } = options;
  const { graph } = parameters;
  const one = graph.scalar(1);
  const gradientNorm = sqrt(sum(square(gradient)));
  const clipped = clipNorm === undefined ? gradient : mul(gradient, clipFactor(gradientNorm, clipNorm));

  const step = add(state.step, one);
  const firstMoment = add(scale(state.firstMoment, beta1), scale(clipped, 1 - beta1));
  const secondMoment = add(scale(state.secondMoment, beta2), scale(square(clipped), 1 - beta2));
  // Both means start at 0; division by 1 - beta^step corrects that bias.
  const biasCorrection = (beta: number) => sub(one, pow(graph.scalar(beta), step));
  const mean = div(firstMoment, biasCorrection(beta1));
  const deviation = add(sqrt(div(secondMoment, biasCorrection(beta2))), graph.scalar(epsilon));

  let change = div(mean, deviation);
  if (weightDecay > 0) {
    const weights = decayed === undefined ? parameters : mul(parameters, decayed);
    change = add(change, scale(weights, weightDecay));
  }
  return {
    parameters: sub(parameters, mul(change, learningRate)),
    step,
    firstMoment,
    secondMoment,
    gradientNorm,
  };
}

function clipFactor(norm: Value, limit: number): Value {
  const bound = norm.graph.scalar(limit);
  return div(bound, norm.graph.emit('Max', [norm, bound], { shape: [] }));
}

function sqrt(x: Value): Value {
  return x.graph.emit('Sqrt', [x], { shape: x.shape });
}

function pow(base: Value, exponent: Value): Value {
  return base.graph.emit('Pow', [base, exponent], { shape: [] });
}
