import type { Random } from '../protocol/random.ts';

/**
 * A random item, with a probability proportional to its weight.
 *
 * @throws RangeError if no item has a positive weight.
 */
export function drawWeighted<T extends { readonly weight: number }>(items: readonly T[], random: Random): T {
  const total = items.reduce((sum, item) => sum + item.weight, 0);
  let rest = random.next() * total;
  for (const item of items) {
    rest -= item.weight;
    if (rest < 0) return item;
  }
  // Reached only by rounding, with a draw at the end of the range.
  const last = items.findLast((item) => item.weight > 0);
  if (last === undefined) throw new RangeError('nothing to draw from');
  return last;
}
