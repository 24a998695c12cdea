import { expect, test } from 'vitest';
import { externalLabelsSchema, withExternalLabels } from './external-labels.ts';

const sample = { name: 'anomaly_score', labels: { service: 'cart', cluster: 'a' }, value: 1, timestampMs: 1 };

test('are added to samples that do not have them', () => {
  expect(withExternalLabels([sample], { cluster: 'b', region: 'eu' })).toEqual([
    { ...sample, labels: { service: 'cart', cluster: 'a', region: 'eu' } },
  ]);
  expect(withExternalLabels([sample], {})).toEqual([sample]);
});

test.each([
  [undefined, true],
  [{ cluster: 'a', _x: '' }, true],
  [{ 'a.b': 'c' }, false],
  [{ __name__: 'x' }, false],
  [{ cluster: 1 }, false],
  [['cluster'], false],
])('%j is valid: %s', (labels, valid) => {
  expect(externalLabelsSchema.safeParse(labels).success).toBe(valid);
});
