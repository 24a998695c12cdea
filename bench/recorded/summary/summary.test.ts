import { expect, test } from 'vitest';
import type { Outcome } from '../outcomes.ts';
import { asOutcome, outcomesOf, type ShopOutcomes } from './outcomes-file.ts';
import { difference, falseAlarmsPerDay, recall, share, shareOverShops, spread } from './over-shops.ts';
import { differences, renderSummary } from './summary-table.ts';

function outcome(type: string, seen: boolean, place: number): Outcome {
  return {
    type,
    seen,
    seenAtCulprit: false,
    delaySeconds: seen ? 120 : NaN,
    places: { start: place, late: place, alert: Infinity },
  };
}

function shop(recording: string, method: string, outcomes: readonly Outcome[], falseAlarms = 1): ShopOutcomes {
  const judged = [{ outcomes, falseAlarms, serviceDays: 2 }];
  return outcomesOf({ recording, method, title: method, detects: method !== 'ranker', seeds: [1], judged });
}

const PRODUCT = [
  shop('a', 'autoencoder', [outcome('crash', true, 1), outcome('cpu', true, 2)]),
  shop('b', 'autoencoder', [outcome('crash', true, 1), outcome('crash', false, Infinity)], 4),
];
const OTHER = [
  shop('a', 'ranker', [outcome('crash', false, 1), outcome('cpu', true, 1)]),
  shop('b', 'ranker', [outcome('crash', false, 3), outcome('crash', false, 1)]),
];

test('what is written of a fault is read again', () => {
  const [one, other] = [outcome('crash', true, 2), outcome('cpu', false, Infinity)];
  const lines = shop('a', 'autoencoder', [one, other]).outcomes;
  expect(lines).toEqual(['crash 1 0 120 2 2 -', 'cpu 0 0 - - - -']);
  expect(lines.map(asOutcome)).toEqual([one, other]);
});

test('shops are summarised as median and range, and never pooled', () => {
  expect(spread(PRODUCT, recall)).toEqual({ median: 0.75, low: 0.5, high: 1 });
  expect(spread(PRODUCT, falseAlarmsPerDay)).toEqual({ median: 1.25, low: 0.5, high: 2 });
});

test('a method differs from another one on the same shops', () => {
  const { mean, low, high } = difference(OTHER, PRODUCT, recall);
  expect([mean, low, high]).toEqual([-0.5, -0.5, -0.5]);
  const isFirst = share(({ places }) => places.start <= 1);
  expect(difference(OTHER, PRODUCT, isFirst).mean).toBe(0.25);
});

test('a type of fault is counted over all shops, and only the shops are drawn', () => {
  const { faults, mean, low, high } = shareOverShops(PRODUCT, ({ seen }) => seen, 'crash');
  expect([faults, mean]).toEqual([3, 2 / 3]);
  expect([low, high]).toEqual([0.5, 1]);
});

test('a method with other features is compared with the product that has them', () => {
  const [a, b] = PRODUCT as [ShopOutcomes, ShopOutcomes];
  const withStatus = [a, b].map((one) => ({
    ...one,
    method: 'autoencoder+status',
    title: 'product, status',
    false_alarms: 0,
  }));
  const walk = withStatus.map((one) => ({ ...one, method: 'walk+status', title: 'walk, status', false_alarms: 2 }));
  const alarms = (rows: readonly ShopOutcomes[], title: string) =>
    differences(rows)
      .find(([name]) => name === title)?.[3]
      ?.split(' ')[0];
  // A mean of 2.5 false alarms in two days, 0 and 2.
  expect(alarms([...PRODUCT, ...withStatus, ...walk], 'product, status')).toBe('-1.25');
  expect(alarms([...PRODUCT, ...withStatus, ...walk], 'walk, status')).toBe('+1.00');
  expect(alarms([...PRODUCT, ...walk], 'walk, status')).toBe('-0.25');
});

test('the tables have every method, and nothing that a ranker does not do', () => {
  const text = renderSummary([...PRODUCT, ...OTHER]);
  expect(text).toContain('Median and range over shops');
  expect(text).toMatch(/\| autoencoder +\| 0\.75 \(0\.50-1\.00\)/);
  expect(text).toMatch(/\| ranker +\| - +\| - +\| - /);
  expect(text).toMatch(/\| crash +\| 3 +\| autoencoder +\| 0\.67 \(0\.50-1\.00\)/);
});
