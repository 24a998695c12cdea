import { describe, expect, it } from 'vitest';
import { History } from '../../fleet/history.ts';
import type { Profile } from '../profiles/profile.ts';
import { featureOf } from './feature.testdata.ts';
import { Levels } from './levels.ts';

const features = [
  featureOf('latency', 'latency'),
  featureOf('memory', 'saturation'),
  featureOf('failures', 'errors', { failure: true }),
];
const shape = { features, steps: [0] };
const COLUMNS = 9;
/** Learned from two hours, so that a change has to last 20 steps. */
const profile: Profile = {
  scalings: Array.from({ length: COLUMNS }, () => ({ center: 100, spread: 0.05 })),
  residual: Array<number>(COLUMNS).fill(1),
  deviation: Array<number>(COLUMNS).fill(1),
  threshold: 2,
  windows: 120,
  days: 0.1,
  from: 0,
  to: 119,
};

/** Lives from step 120 on with one feature's values, and returns the step at which a shift was found. */
function shiftAt(levels: Levels, at: number, valueOf: (step: number) => number, to = 240): number | undefined {
  const history = new History(COLUMNS, 300);
  for (let step = 120; step <= to; step++) {
    for (let column = 0; column < COLUMNS; column++) history.put(step, column, column % 3 === at ? valueOf(step) : 100);
    if (levels.observe(shape, 'cart', history, step, profile, [at]).length > 0) return step;
  }
  return undefined;
}
const after = (step: number, value: number) => (now: number) => (now < step ? 100 : value);

describe('Levels', () => {
  it('takes a steady change of memory for lasting after 20 steps, and moves the scalings to it', () => {
    const levels = new Levels();
    expect(shiftAt(levels, 1, after(150, 150))).toBe(169);
    const [shift] = levels.shiftsOf('cart');
    expect(shift).toMatchObject({ feature: 1, since: 150, accepted: 169 });
    expect(Math.exp(shift!.by)).toBeCloseTo(1.5, 1);
    const scalings = levels.scalingsOf(features, 'cart', profile);
    expect(scalings.map((scaling) => Math.round(scaling!.center))).toEqual([
      100, 150, 100, 100, 150, 100, 100, 150, 100,
    ]);
  });

  it('leaves the scalings of a profile that was learned since alone', () => {
    const levels = new Levels();
    shiftAt(levels, 1, after(150, 150));
    const renewed = { ...profile, to: 170 };
    expect(levels.scalingsOf(features, 'cart', renewed)).toBe(renewed.scalings);
  });

  it('after eight steps already, for a service that is a quarter of an hour old', () => {
    const young = { ...profile, windows: 15 };
    const levels = new Levels();
    const history = new History(COLUMNS, 300);
    const found: number[] = [];
    for (let step = 110; step < 130; step++) {
      for (let column = 0; column < COLUMNS; column++) history.put(step, column, step < 120 ? 100 : 50);
      found.push(...levels.observe(shape, 'cart', history, step, young, [1]).map(({ accepted }) => accepted));
    }
    expect(found[0]).toBe(127);
  });

  it.each([
    ['answers that take twice as long', 0, after(150, 210)],
    ['more failures', 2, after(150, 130)],
    ['three times the memory', 1, after(150, 300)],
    ['memory that still grows', 1, (step: number) => 100 * 1.02 ** Math.max(0, step - 150)],
    ['what comes and goes', 1, (step: number) => (step % 5 === 0 ? 100 : 150)],
  ])('never %s', (_, at, values) => {
    expect(shiftAt(new Levels(), at, values, 180)).toBeUndefined();
  });

  it.each([
    ['quicker answers, however much', 20],
    ['slightly slower answers', 130],
  ])('%s', (_, value) => {
    expect(shiftAt(new Levels(), 0, after(150, value))).toBe(169);
  });

  it('forgets a level that the service has left again', () => {
    const levels = new Levels();
    shiftAt(levels, 1, after(150, 150));
    const history = new History(COLUMNS, 300);
    for (let step = 200; step < 208; step++)
      for (let column = 0; column < COLUMNS; column++) history.put(step, column, 100);
    levels.observe(shape, 'cart', history, 207, profile, []);
    expect(levels.shiftsOf('cart')).toEqual([]);
  });

  it('forgets what is older than the history that is learned from, and services that are gone', () => {
    const levels = new Levels();
    shiftAt(levels, 1, after(150, 150));
    levels.forget(150, () => true);
    expect(levels.all.size).toBe(1);
    levels.forget(151, () => true);
    expect(levels.all.size).toBe(0);
  });
});
