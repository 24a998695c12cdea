import { describe, expect, it } from 'vitest';
import { surplus } from './evidence.ts';

describe('surplus', () => {
  // sqrt(2 (k ln(k / np) + (n - k) ln((n - k) / (n (1 - p)))))
  it.each([
    [10, 100, 0.05, 2.0],
    [100, 100, 0.01, 30.35],
    [1, 10_000, 0.01, 0],
    [1, 2, 0.01, 2.54],
    [3, 3, 0.01, 5.26],
    [0, 0, 0.01, 0],
  ])('of %s in %s, usually %s', (count, of, share, expected) => {
    expect(surplus(count, of, share)).toBeCloseTo(expected, 1);
  });
});
