import { exp, square } from '../activations.ts';
import { add, mul, scale, sub } from '../arithmetic.ts';
import type { Value } from '../graph.ts';
import { sumLast } from '../reductions.ts';

/**
 * A differentiable sample of N(mean, exp(logVariance)) (Kingma and Welling 2014).
 *
 * @param noise standard normal numbers of the same shape; zeros give the mean
 */
export function reparameterise(mean: Value, logVariance: Value, noise: Value): Value {
  return add(mean, mul(exp(scale(logVariance, 0.5)), noise));
}

/**
 * Kullback-Leibler divergence of N(mean, diag(exp(logVariance))) from N(0, 1) for each row, [batch]:
 * (mean^2 + variance - 1 - logVariance) / 2, summed over the dimensions.
 *
 * @param mean [batch, d]
 */
export function standardNormalDivergence(mean: Value, logVariance: Value): Value {
  const excess = sub(sub(exp(logVariance), mean.graph.scalar(1)), logVariance);
  return scale(sumLast(add(square(mean), excess)), 0.5);
}
