import { describe, expect, it } from 'vitest';
import { type ScorerConfig, SCORER_DEFAULTS } from '../config.ts';
import { needsRenewal } from './renewal.ts';

const config = { interval: 60_000, learning: SCORER_DEFAULTS.learning } as unknown as ScorerConfig;

function profile(from: number, to: number) {
  return { scalings: [], residual: [], deviation: [], threshold: 1, windows: to - from + 1, days: 7, from, to };
}

describe('needsRenewal', () => {
  it.each([
    ['never learned', undefined, 5, true],
    ['as long ago as it was learned from', profile(100, 114), 129, true],
    ['a step less long ago', profile(100, 114), 128, false],
    ['learned from an hour', profile(0, 59), 118, false],
    ['learned from an hour, an hour ago', profile(0, 59), 119, true],
    ['learned from a week, a day ago', profile(0, 7 * 1440 - 1), 8 * 1440 - 1, true],
    ['learned from a week, less than a day ago', profile(0, 7 * 1440 - 1), 8 * 1440 - 2, false],
  ])('a service %s', (_, known, step, due) => expect(needsRenewal(known, step, config)).toBe(due));

  it('makes a service be learned from 15 minutes, 30, 60, then ever later until it has seen a day, and then every day', () => {
    const learnedAt: number[] = [];
    let known = profile(0, 14);
    for (let step = 15; step < 4 * 1440; step++) {
      if (!needsRenewal(known, step, config)) continue;
      known = profile(Math.max(0, step - 1439), step);
      learnedAt.push(step + 1);
    }
    expect(learnedAt).toEqual([30, 60, 120, 180, 240, 300, 375, 469, 587, 734, 918, 1148, 1435, 1794, 3234, 4674]);
  });
});
