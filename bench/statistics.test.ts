import { expect, test } from 'vitest';
import { bootstrapMean, round, summarize } from './statistics.ts';

test('a summary has rounded median and 99th percentile', () => {
  const values = Array.from({ length: 101 }, (_, index) => 100 - index + 0.04);
  expect(summarize(values)).toEqual({ median: 50, p99: 99 });
  expect(summarize([3, 1])).toEqual({ median: 2, p99: 3 });
});

test('rounds to the given number of digits', () => {
  expect(round(2.449)).toBe(2.4);
  expect(round(0.95349, 3)).toBe(0.953);
});

test('the interval of a mean narrows with the number of values', () => {
  const { mean, low, high } = bootstrapMean([0, 1, 1, 1]);
  expect([mean, low, high]).toEqual([0.75, 0.25, 1]);
  const many = bootstrapMean(Array.from({ length: 400 }, (_, index) => (index % 4 === 0 ? 0 : 1)));
  expect(many.mean).toBe(0.75);
  // 0.75 and two standard errors of 0.0217.
  expect(many.low).toBeCloseTo(0.707, 2);
  expect(many.high).toBeCloseTo(0.793, 2);
  expect(bootstrapMean([]).mean).toBeNaN();
});
