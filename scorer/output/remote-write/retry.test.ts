import { expect, test } from 'vitest';
import { backoffMs, pause } from './retry.ts';

test('the wait doubles to its bound, between half and whole by chance', () => {
  const at = (random: number) => [1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 100, 1000, () => random));
  expect(at(1)).toEqual([100, 200, 400, 800, 1000]);
  expect(at(0)).toEqual([50, 100, 200, 400, 500]);
  expect(backoffMs(5000, 100, 1000, () => 1)).toBe(1000);
});

test('a pause ends early when its signal aborts, before or during it', async () => {
  const abort = new AbortController();
  const paused = pause(3_600_000, abort.signal);
  abort.abort();
  await paused;
  await pause(3_600_000, abort.signal);
});

test('a pause longer than timers can be does not end at once', async () => {
  const stop = new AbortController();
  let ended = false;
  const pausing = pause(2 ** 40, stop.signal).then(() => (ended = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(ended).toBe(false);
  stop.abort();
  await pausing;
});
