import { describe, expect, it } from 'vitest';
import { createRandom } from '../protocol/random.ts';
import { drawWeighted } from './weighted.ts';

describe('drawWeighted', () => {
  it('draws in proportion to the weights, and never an item of weight zero', () => {
    const random = createRandom(5);
    const items = [
      { name: 'home', weight: 6 },
      { name: 'never', weight: 0 },
      { name: 'checkout', weight: 2 },
    ];
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 8000; draw += 1) {
      const { name } = drawWeighted(items, random);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.get('never')).toBeUndefined();
    // 6000 expected; the standard deviation of the count is 39.
    expect(Math.abs(counts.get('home')! - 6000)).toBeLessThan(160);
    expect(counts.get('home')! + counts.get('checkout')!).toBe(8000);
  });

  it('rejects an empty list', () => {
    expect(() => drawWeighted([], createRandom(1))).toThrow(RangeError);
    expect(() => drawWeighted([{ weight: 0 }], createRandom(1))).toThrow(RangeError);
  });
});
