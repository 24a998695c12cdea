import { expect, test } from 'vitest';
import { identify } from './sample.ts';
import { SeriesOrder } from './series-order.ts';

const sample = (service: string, timestampMs: number) =>
  identify({ name: 'a', labels: { service }, value: 0, timestampMs });

test('only what is newer than the last accepted of its series is allowed', () => {
  const order = new SeriesOrder();
  expect(order.allows(sample('x', 5))).toBe(true);
  order.accept([sample('x', 5), sample('x', 7), sample('x', 6)]);
  expect([5, 6, 7, 8].map((at) => order.allows(sample('x', at)))).toEqual([false, false, false, true]);
  expect(order.allows(sample('y', 5))).toBe(true);
});

test('series that have ended are forgotten', () => {
  const order = new SeriesOrder();
  order.accept([sample('x', 5), sample('y', 9)]);
  order.forgetBefore(6);
  expect(order.size).toBe(1);
  expect(order.allows(sample('y', 9))).toBe(false);
});
