import { expect, test } from 'vitest';
import { round, summarize } from './statistics.ts';

test('a summary has rounded median and 99th percentile', () => {
  const values = Array.from({ length: 101 }, (_, index) => 100 - index + 0.04);
  expect(summarize(values)).toEqual({ median: 50, p99: 99 });
  expect(summarize([3, 1])).toEqual({ median: 2, p99: 3 });
});

test('rounds to the given number of digits', () => {
  expect(round(2.449)).toBe(2.4);
  expect(round(0.95349, 3)).toBe(0.953);
});
