import type { Random } from '../protocol/random.ts';

/**
 * One of `items`, each as often as its weight is of the sum of weights.
 *
 * @throws RangeError when there is no item with a positive weight.
 */
export function drawWeighted<T extends { readonly weight: number }>(items: readonly T[], random: Random): T {
  const total = items.reduce((sum, item) => sum + item.weight, 0);
  let rest = random.next() * total;
  for (const item of items) {
    rest -= item.weight;
    if (rest < 0) return item;
  }
  // Only rounding leads here: the draw was the very end of the range.
  const last = items.findLast((item) => item.weight > 0);
  if (last === undefined) throw new RangeError('nothing to draw from');
  return last;
}
