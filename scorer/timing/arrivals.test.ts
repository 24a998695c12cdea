import { describe, expect, it } from 'vitest';
import { ArrivalLog, joinArrivals, NO_ARRIVALS } from './arrivals.ts';

const MINUTE = 60_000;

/**
 * Cycles of a minute at `delayMs` after it, each of which asks for the five minutes before, of a rule that is evaluated
 * every `everyMs` and arrives `latenessMs` later.
 */
function watch(latenessMs: number, everyMs: number, delayMs: number, phaseMs = 0, cycles = 6) {
  const log = new ArrivalLog();
  return Array.from({ length: cycles }, (_, cycle) => {
    const untilMs = (10 + cycle) * MINUTE;
    const atMs = untilMs + delayMs;
    log.asked(atMs, untilMs);
    const times: number[] = [];
    for (let time = untilMs - 5 * MINUTE + everyMs + phaseMs; time <= untilMs; time += everyMs) {
      if (time + latenessMs <= atMs) times.push(time);
    }
    log.see('rate red', Float64Array.from(times));
    return log.answered();
  });
}

describe('ArrivalLog', () => {
  it.each([
    [0, 15_000, 6000],
    [5000, 15_000, 6000],
    [40_000, 30_000, 60_000],
    [200, MINUTE, 6000],
  ])('finds nothing late at %d ms of %d ms rules with a delay of %d ms', (lateness, every, delay) => {
    for (const { latenessMs, sufficientDelayMs } of watch(lateness, every, delay)) {
      expect([latenessMs, sufficientDelayMs]).toEqual([0, 0]);
    }
  });

  it.each([
    [MINUTE, 15_000, 6000, 0],
    [MINUTE, 15_000, 6000, 7000],
    [MINUTE, MINUTE, 6000, 0],
    [MINUTE, 30_000, 6000, 20_000],
    [10_000, 15_000, 6000, 0],
    [90_000, 15_000, 6000, 1000],
  ])('finds a delay that would do for %d ms of %d ms rules', (lateness, every, delay, phase) => {
    const last = watch(lateness, every, delay, phase).at(-1)!;
    expect(last.latenessMs).toBeGreaterThan(0);
    expect(last.latenessMs).toBeLessThanOrEqual(lateness);
    expect(last.sufficientDelayMs).toBeGreaterThanOrEqual(lateness - 1);
    expect(last.sufficientDelayMs).toBeLessThanOrEqual(lateness + every);
    expect(last.ruleIntervalMs).toBe(every);
    for (const { latenessMs } of watch(lateness, every, last.sufficientDelayMs + 1, phase)) expect(latenessMs).toBe(0);
  });

  it('takes a pause of the rules for a pause, not for lateness', () => {
    const log = new ArrivalLog();
    const cycle = (minute: number, times: readonly number[]) => {
      log.asked(minute * MINUTE + 6000, minute * MINUTE);
      if (times.length > 0) log.see('rate red', Float64Array.from(times));
      return log.answered().latenessMs;
    };
    expect(cycle(1, [45_000, MINUTE])).toBe(0);
    for (const minute of [2, 3, 4, 5]) expect(cycle(minute, [])).toBe(0);
    expect(cycle(6, [5.5 * MINUTE, 6 * MINUTE])).toBe(0);
  });

  it('finds a late service among others that are in time, by the gaps that it fills', () => {
    const log = new ArrivalLog();
    log.asked(10 * MINUTE + 6000, 10 * MINUTE);
    log.see('rate red', Float64Array.of(9.5 * MINUTE, 10 * MINUTE));
    log.answered();
    log.asked(11 * MINUTE + 6000, 11 * MINUTE);
    log.see('rate red', Float64Array.of(9.5 * MINUTE, 10 * MINUTE, 10.5 * MINUTE, 11 * MINUTE));
    log.seeGapFilled(9.5 * MINUTE);
    expect(log.answered()).toMatchObject({ latenessMs: 36_000, lateValues: 1, sufficientDelayMs: 66_000 });
  });

  it('knows up to when all rules have arrived, without those that ended', () => {
    const log = new ArrivalLog();
    expect(log.completeUntilMs(0)).toBeUndefined();
    log.asked(1, 1);
    log.see('slow', Float64Array.of(3 * MINUTE));
    log.see('fast', Float64Array.of(4 * MINUTE, 5 * MINUTE));
    log.see('ended', Float64Array.of(MINUTE));
    log.answered();
    expect(log.completeUntilMs(2 * MINUTE)).toBe(3 * MINUTE);
    log.clear();
    expect(log.completeUntilMs(0)).toBeUndefined();
  });
});

it('joinArrivals takes the latest of several queries', () => {
  const late = { latenessMs: 5, sufficientDelayMs: 9, lateValues: 2, ruleIntervalMs: 4 };
  expect(joinArrivals([NO_ARRIVALS, late, { ...NO_ARRIVALS, lateValues: 1, ruleIntervalMs: 3 }])).toEqual({
    latenessMs: 5,
    sufficientDelayMs: 9,
    lateValues: 3,
    ruleIntervalMs: 4,
  });
  expect(joinArrivals([NO_ARRIVALS])).toEqual(NO_ARRIVALS);
});
