import { expect, test } from 'vitest';
import { moments } from '../../../../scorer/detectors/sequence/threshold.ts';
import { Random } from '../../../../scorer/numeric/random.ts';
import { filledAfter, missShare } from './cache.ts';
import { lossDelay } from './loss.ts';
import { deliver } from './message-queue.ts';
import { attemptsPerCall, drawAttempts, failedAtLast } from './retries.ts';
import { dailyShape, Wander } from './traffic.ts';

test.each([
  [0, 2, 1, 0],
  [0.5, 0, 1, 0.5],
  [0.5, 2, 1.75, 0.125],
  [1, 2, 3, 1],
])('if %d of the attempts fail, %d retries make %d attempts, and %d fail at last', (failing, retries, each, failed) => {
  expect(attemptsPerCall(failing, retries)).toBeCloseTo(each);
  expect(failedAtLast(failing, retries)).toBeCloseTo(failed);
  expect(drawAttempts(new Random(1), 20_000, failing, retries) / 20_000).toBeCloseTo(each, 1);
});

test('an expired cache fills as it is asked: after as many requests as entries, 1/e of it is missing', () => {
  expect(filledAfter(0, 100, 3000, 30)).toBeCloseTo(1 - 1 / Math.E);
  expect(filledAfter(0, 200, 3000, 30)).toBeGreaterThan(filledAfter(0, 100, 3000, 30));
  expect(filledAfter(0.4, 0, 3000, 30)).toBe(0.4);
  expect([missShare(1, 0.08), missShare(0, 0.08)]).toEqual([0.08, 1]);
});

test('a queue keeps what its workers cannot take, and loses nothing', () => {
  expect(deliver(0, 500, 20, 30)).toEqual({ consumed: 500, left: 0 });
  expect(deliver(100, 900, 20, 30)).toEqual({ consumed: 600, left: 400 });
  expect(deliver(400, 0, 20, 30)).toEqual({ consumed: 400, left: 0 });
});

test('lost packets cost retransmission timeouts, more than in proportion, and many calls nothing', () => {
  const [few, many] = [lossDelay(0.01), lossDelay(0.1)];
  expect(lossDelay(0)).toEqual({ mean: 0, variance: 0 });
  expect(few.mean).toBeCloseTo(0.006, 3);
  expect(many.mean).toBeGreaterThan(10 * few.mean);
  expect(Math.sqrt(few.variance)).toBeGreaterThan(3 * few.mean);
});

test('the load is at its peak at one hour, and at its least twelve hours later', () => {
  const day = { night: 0.25, peakHour: 14 };
  expect(dailyShape(day, 14)).toBe(1);
  expect(dailyShape(day, 2)).toBeCloseTo(0.25);
  expect(dailyShape(day, 26)).toBeCloseTo(dailyShape(day, 2));
});

test('what wanders keeps its deviation and comes back', () => {
  const wander = new Wander(new Random(7), 0.1, 600, 30);
  const { mean, deviation } = moments(Array.from({ length: 50_000 }, () => Math.log(wander.next())));
  expect(mean).toBeCloseTo(0, 1);
  expect(deviation).toBeCloseTo(0.1, 2);
});
