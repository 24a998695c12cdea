import { expect, it } from 'vitest';
import { NORMAL_P99 } from '../../numeric/statistics.ts';
import { key, keyOfEdge, PlayedFleet, SET } from './fleet.testdata.ts';
import { failingCalls } from './failing-calls.ts';

/** A fleet in which calls have failed at a rate for twenty steps, and at another one for three. */
function played(before: number, recently: number, edge = 'cart>db'): PlayedFleet {
  const fleet = new PlayedFleet();
  fleet.playSteps(20, { cart: 0.2, db: 0.2 }, { calls: { [edge]: before } });
  fleet.playSteps(3, { cart: 0.2, db: 0.2 }, { calls: { [edge]: recently } });
  return fleet;
}

const db = new Set([key('db')]);
const failing = ({ fleet, step }: PlayedFleet, at = step, scalings?: Parameters<typeof failingCalls>[4]) =>
  failingCalls(SET, fleet, at, db, scalings).get(key('db'));

it.each([
  [0, 0, 0],
  // The floor of 0.2/s, and twice what it was.
  [0, 0.4, 2],
  [1, 2, 1],
  [1, 6, 3],
])('of an edge without a profile compares with its past: %f/s, then %f/s', (before, recently, growth) => {
  expect(failing(played(before, recently)) ?? 0).toBeCloseTo(growth, 6);
});

it('of an edge with a profile compares with that', () => {
  const scaling = { center: 0, spread: 0.1 };
  const profile = new Map([[keyOfEdge('cart', 'db'), [scaling, scaling]]]);
  // 2.8/s above the floor, ln((2.8 + 0.4) / 0.4) = 2.08, in spreads of 0.1, over the bound of 99 % of a normal one.
  expect(failing(played(3, 3), undefined, profile)).toBeCloseTo(2.08 / 0.1 / NORMAL_P99, 1);
  expect(failing(played(0, 0), undefined, profile)).toBeUndefined();
});

it('does not count calls to itself, to others, and of callers that have ended', () => {
  expect(failing(played(0, 5, 'db>db'))).toBeUndefined();
  expect(failing(played(0, 5, 'db>cart'))).toBeUndefined();
  const ended = played(0, 5);
  expect(failing(ended)).toBeGreaterThan(1);
  expect(failing(ended, ended.step + 1)).toBeUndefined();
});
