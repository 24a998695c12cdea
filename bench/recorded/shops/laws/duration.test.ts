import { expect, test } from 'vitest';
import { Random } from '../../../../scorer/numeric/random.ts';
import { BOUNDS, drawAnswers } from './answers.ts';
import { afterEachOther, cutOff, lasting, logarithm, oneOf, partWithin, times, withinShare } from './duration.ts';

const DURATION = lasting(0.04, 0.8);

/** Durations drawn from the log-normal distribution itself. */
function sample(count: number, seed = 1): number[] {
  const random = new Random(seed);
  const { mean, deviation } = logarithm(DURATION);
  return Array.from({ length: count }, () => Math.exp(mean + deviation * random.normal()));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('shares, parts and cut-off means are those of drawn durations', () => {
  const values = sample(200_000);
  for (const seconds of [0.02, 0.05, 0.2]) {
    expect(withinShare(DURATION, seconds)).toBeCloseTo(mean(values.map((value) => (value <= seconds ? 1 : 0))), 2);
    expect(partWithin(DURATION, seconds)).toBeCloseTo(mean(values.map((value) => (value <= seconds ? value : 0))), 3);
    expect(cutOff(DURATION, seconds).mean).toBeCloseTo(mean(values.map((value) => Math.min(value, seconds))), 3);
  }
});

test('means and variances add up after each other; one of several is as uncertain as which', () => {
  expect(afterEachOther(lasting(1, 1), lasting(2, 0.5))).toEqual({ mean: 3, variance: 2 });
  expect(times(2, lasting(3, 1))).toEqual({ mean: 6, variance: 18 });
  // Half a call: 0 or 3 seconds.
  expect(times(0.5, lasting(3, 0))).toEqual({ mean: 1.5, variance: 2.25 });
  expect(
    oneOf([
      [1, lasting(0, 0)],
      [3, lasting(4, 0)],
    ]),
  ).toEqual({ mean: 3, variance: 3 });
});

test.each([20, 5000])('%d answers at a time have the mean and the buckets of the distribution', (requests) => {
  const random = new Random(5);
  const buckets = Array<number>(BOUNDS.length + 1).fill(0);
  let [answered, seconds] = [0, 0];
  for (let left = 100_000; left > 0; left -= requests) {
    const answers = drawAnswers(random, requests, DURATION, Infinity);
    answered += answers.answered;
    seconds += answers.seconds;
    for (const [index, count] of answers.buckets.entries()) buckets[index]! += count;
  }
  expect(answered).toBe(100_000);
  expect(seconds / answered).toBeCloseTo(DURATION.mean, 3);
  const below = buckets.slice(0, BOUNDS.indexOf(1 / 32) + 1).reduce((sum, count) => sum + count, 0);
  expect(below / answered).toBeCloseTo(withinShare(DURATION, 1 / 32), 2);
});

test.each([20, 5000])('of %d requests at a time, those beyond the timeout are never answered', (requests) => {
  const random = new Random(6);
  let [answered, unanswered, seconds] = [0, 0, 0];
  for (let left = 100_000; left > 0; left -= requests) {
    const answers = drawAnswers(random, requests, DURATION, 0.05);
    answered += answers.answered;
    unanswered += answers.unanswered;
    seconds += answers.seconds;
    expect(answers.buckets.reduce((sum, count) => sum + count, 0)).toBe(answers.answered);
  }
  expect(answered + unanswered).toBe(100_000);
  expect(answered / 100_000).toBeCloseTo(withinShare(DURATION, 0.05), 2);
  expect(seconds / answered).toBeCloseTo(partWithin(DURATION, 0.05) / withinShare(DURATION, 0.05), 3);
});
