import { expect, test } from 'vitest';
import { SteadyTime } from './steady-time.ts';

const HOUR = 3_600_000;
const SECOND = 1000;

/** Observes a clock every 15 s; returns whether `timeMs` of that clock was ahead each time. */
function ahead(time: SteadyTime, fromMs: number, offsetMs: number, seconds: number): boolean[] {
  const seen: boolean[] = [];
  for (let at = fromMs; at < fromMs + seconds * SECOND; at += 15 * SECOND) {
    time.observe(at + offsetMs, at);
    seen.push(time.isAhead(at + offsetMs, at));
  }
  return seen;
}

test('before the first reading nothing is ahead', () => {
  const time = new SteadyTime();
  expect(time.isKnown).toBe(false);
  expect(time.isAhead(HOUR, 0)).toBe(false);
});

test('a clock that leaps an hour is ahead, and back in time again when it comes back', () => {
  const time = new SteadyTime();
  expect(ahead(time, 0, 0, 60)).not.toContain(true);
  expect(ahead(time, 60 * SECOND, HOUR, 240)).not.toContain(false);
  expect(ahead(time, 300 * SECOND, 0, 60)).not.toContain(true);
});

test('a clock that stays there for five minutes was right', () => {
  const time = new SteadyTime();
  ahead(time, 0, 0, 60);
  const seen = ahead(time, 60 * SECOND, HOUR, 600);
  expect(seen.indexOf(false)).toBe(20);
  expect(seen.slice(20)).not.toContain(true);
});

test.each([-HOUR, 30 * SECOND, 170 * SECOND])('a clock that is set by %i ms is not ahead', (offset) => {
  const time = new SteadyTime();
  ahead(time, 0, 0, 60);
  expect(ahead(time, 60 * SECOND, offset, 600)).not.toContain(true);
});

test('a clock that drifts is followed', () => {
  const time = new SteadyTime();
  for (let at = 0; at < HOUR; at += 15 * SECOND) {
    time.observe(at * 1.1, at);
    expect(time.isAhead(at * 1.1, at)).toBe(false);
  }
});
