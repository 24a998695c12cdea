import { expect, test } from 'vitest';
import { backoffMs, pause, retryAfterMs } from './retry.ts';

test('the wait doubles to its bound, between half and whole by chance', () => {
  const at = (random: number) => [1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 100, 1000, () => random));
  expect(at(1)).toEqual([100, 200, 400, 800, 1000]);
  expect(at(0)).toEqual([50, 100, 200, 400, 500]);
  expect(backoffMs(5000, 100, 1000, () => 1)).toBe(1000);
});

test.each([
  [undefined, undefined],
  ['0', 0],
  ['120', 120_000],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 60_000],
  ['Wed, 21 Oct 2015 07:26:00 GMT', 0],
  ['soon', undefined],
  ['-1', undefined],
])('Retry-After: %s', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2015-10-21T07:27:00Z'))).toBe(expected);
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
