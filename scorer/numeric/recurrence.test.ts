import { expect, test } from 'vitest';
import { recurringMagnitude, recurs } from './recurrence.ts';

const every = (period: number, from: number, to: number) =>
  Array.from({ length: Math.ceil((to - from) / period) }, (_, index) => from + index * period);

test('what happens every hour of a day recurs', () => {
  expect(recurs(every(60, 100, 1540), 100, 1539)).toBe(true);
});

test('an incident that flaps for an hour does not, nor one at the same time of two days', () => {
  expect(recurs(every(5, 700, 760), 100, 1539)).toBe(false);
  expect(recurs([...every(1, 200, 230), ...every(1, 1640, 1670)], 100, 2979)).toBe(false);
});

test('nothing recurs in a short period, and steps outside of it do not count', () => {
  expect(recurs([0, 10, 20, 30, 40], 0, 50)).toBe(false);
  expect(recurs([0, 500, 900], 1000, 1500)).toBe(false);
});

test('of values, what three parts of the period reach recurs', () => {
  const bursts = every(60, 0, 1439).map((step) => ({ step, value: 5 }));
  expect(recurringMagnitude([...bursts, { step: 700, value: 90 }, { step: 100, value: 90 }], 0, 1439)).toBe(5);
  expect(recurringMagnitude(bursts.slice(0, 4), 0, 1439)).toBeNaN();
});
