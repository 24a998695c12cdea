import { describe, expect, it } from 'vitest';
import { NEUTRAL } from '../tensor/tensor.ts';
import { KnownFeatures, placesOf, spreadColumns } from './known-features.ts';

describe('placesOf', () => {
  it('finds each feature of a model in a longer list, in any order', () => {
    expect(placesOf(['a', 'b'], ['b', 'x', 'a'])).toEqual([2, 0]);
    expect(placesOf(['a', 'b'], ['a', 'x'])).toBeUndefined();
  });
});

describe('spreadColumns', () => {
  it('leaves the columns of other features unknown', () => {
    expect(spreadColumns([1, 2, 3, 4, 5, 6], [2, 0], 3)).toEqual([2, NaN, 1, 4, NaN, 3, 6, NaN, 5]);
  });
});

describe('KnownFeatures', () => {
  const seen: Float32Array[] = [];
  let closed = 0;
  const model = {
    reconstruct: (data: Float32Array, mask: Float32Array) => {
      seen.push(data, mask);
      return Promise.resolve(data.map((value) => value / 2));
    },
    close: () => Promise.resolve(void closed++),
  };

  it('shows the model its own features, and expects others at their usual values', async () => {
    const known = new KnownFeatures(model, [2, 0], 3);
    const data = Float32Array.of(10, 11, 12, 20, 21, 22);
    const mask = Float32Array.of(1, 0, 0, 1, 1, 0);
    expect([...(await known.reconstruct(data, mask, 1))]).toEqual([5, NEUTRAL, 6, 10, NEUTRAL, 11]);
    expect(seen.map((values) => [...values])).toEqual([
      [12, 10, 22, 20],
      [0, 1, 0, 1],
    ]);
    await known.close();
    expect(closed).toBe(1);
  });
});
