import { describe, expect, it } from 'vitest';
import { alertsOf, DEBOUNCE, debounceOf, firingDelayMs, readAlertTiming } from './alerts.ts';

const replay = (scores: Readonly<Record<string, readonly number[]>>, steps?: readonly number[]) => ({
  steps: steps ?? Array.from(Object.values(scores)[0] ?? [], (_, index) => 10 + index),
  scores: new Map(Object.entries(scores).map(([key, values]) => [key, Float64Array.from(values)])),
  rankings: new Map(),
});

describe('alertsOf', () => {
  it.each([
    ['nothing at the threshold itself', [1, 1, 1], []],
    ['nothing in a single cycle', [0, 2, 0, 2, NaN, 2], []],
    ['the second cycle above 1', [0, 2, 2, 2, 0], [[11, 12, 13]]],
    [
      'two runs, one of them to the end',
      [2, 2, 0, 3, 3],
      [
        [10, 11, 11],
        [13, 14, 14],
      ],
    ],
  ])('fires on %s', (_, scores, expected) => {
    expect(alertsOf(replay({ a: scores })).map(({ onset, firing, last }) => [onset, firing, last])).toEqual(expected);
  });

  it('does not join what lies on both sides of time that was not replayed', () => {
    expect(alertsOf(replay({ a: [2, 2, 2] }, [10, 20, 21]))).toEqual([{ key: 'a', onset: 20, firing: 21, last: 21 }]);
  });

  it('requires the configured number of the last cycles', () => {
    const at = (above: number, of: number) =>
      alertsOf(replay({ a: [0, 2, 0, 2, 0, 0, 2, 2, 2] }), { above, of }).map((alert) => [
        alert.onset,
        alert.firing,
        alert.last,
      ]);
    expect(at(1, 1)).toEqual([
      [11, 11, 11],
      [13, 13, 13],
      [16, 16, 18],
    ]);
    expect(at(2, 3)).toEqual([
      [11, 13, 13],
      [16, 17, 18],
    ]);
    expect(at(3, 3)).toEqual([[16, 18, 18]]);
    expect(at(3, 5)).toEqual([[13, 17, 18]]);
  });

  it('returns the alerts of several services in the order of firing', () => {
    expect(alertsOf(replay({ a: [0, 2, 2], b: [2, 2, 0] })).map(({ key }) => key)).toEqual(['b', 'a']);
  });
});

describe('the alert of the shipped rules', () => {
  const MINUTE = 60_000;
  const shipped = readAlertTiming();

  it('waits for two cycles of a minute, and fires at most 51 s after the second', () => {
    expect(shipped).toEqual({ forMs: 90_000, evaluationMs: 15_000 });
    expect(debounceOf(shipped, MINUTE)).toEqual(DEBOUNCE);
    expect(firingDelayMs(shipped, MINUTE, 6000)).toBe(51_000);
  });

  it.each([
    ['rules every minute need three cycles', { ...shipped, evaluationMs: MINUTE }, MINUTE, 3, 6000 + MINUTE],
    ['cycles of 30 s', shipped, MINUTE / 2, 4, 6000 + 15_000],
    ['cycles of 15 s', shipped, MINUTE / 4, 7, 6000 + 15_000],
    ['no wait', { forMs: 0, evaluationMs: 15_000 }, MINUTE, 1, 6000 + 15_000],
  ])('%s', (_, timing, intervalMs, cycles, firingMs) => {
    expect(debounceOf(timing, intervalMs)).toEqual({ above: cycles, of: cycles });
    expect(firingDelayMs(timing, intervalMs, 6000)).toBe(firingMs);
  });
});
