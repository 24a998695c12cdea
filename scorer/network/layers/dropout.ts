import type { Random } from '../../numeric/random.ts';
import { mul } from '../arithmetic.ts';
import type { Value } from '../graph.ts';

/**
 * Inverted dropout (Srivastava et al. 2014): training scales the kept entries, so that inference omits the layer.
 *
 * @param mask an input of the graph, filled by `drawDropoutMask`; with ones, nothing is dropped
 */
export function dropout(x: Value, mask: Value): Value {
  return mul(x, mask);
}

/** Fills a mask: 0 with probability `rate`, otherwise 1 / (1 - rate). */
export function drawDropoutMask(mask: Float32Array, rate: number, random: Random): void {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`expected a dropout rate from 0 to below 1, got ${rate}`);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < rate ? 0 : kept;
}
