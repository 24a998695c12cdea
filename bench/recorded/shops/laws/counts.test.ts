import { expect, test } from 'vitest';
import { moments } from '../../../../scorer/detectors/sequence/threshold.ts';
import { Random } from '../../../../scorer/numeric/random.ts';
import { binomial, callsOf, divide, poisson } from './counts.ts';

function drawn(draw: () => number): { readonly mean: number; readonly variance: number } {
  const { mean, deviation } = moments(Array.from({ length: 20_000 }, draw));
  return { mean, variance: deviation ** 2 };
}

test.each([0.3, 8, 400])('counts of mean %d have that variance, too', (expected) => {
  const random = new Random(1);
  const { mean, variance } = drawn(() => poisson(random, expected));
  expect(mean / expected).toBeCloseTo(1, 1);
  expect(variance / expected).toBeCloseTo(1, 1);
});

test.each([
  [40, 0.1],
  [40, 0.9],
  [4000, 0.3],
])('of %d, each happens with probability %d', (count, share) => {
  const random = new Random(2);
  const { mean, variance } = drawn(() => binomial(random, count, share));
  expect(mean / (count * share)).toBeCloseTo(1, 1);
  expect(variance / (count * share * (1 - share))).toBeCloseTo(1, 1);
  expect([binomial(random, 7, 0), binomial(random, 7, 1), binomial(random, 0, 0.5)]).toEqual([0, 7, 0]);
});

test('what is divided is as much as before, in equal parts on average', () => {
  const random = new Random(3);
  const parts = divide(random, 9000, 3);
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(9000);
  for (const part of parts) expect(part / 3000).toBeCloseTo(1, 1);
});

test('calls for each request have their mean, and whole numbers no chance', () => {
  const random = new Random(4);
  expect(callsOf(random, 50, 2)).toBe(100);
  expect(drawn(() => callsOf(random, 10, 1.3)).mean).toBeCloseTo(13, 0);
});
