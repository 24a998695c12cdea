import { describe, expect, it } from 'vitest';
import { alertsOf } from './alerts.ts';

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
