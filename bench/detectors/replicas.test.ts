import { expect, it } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { instanceKey } from '../../scorer/identity/service-key.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { drawReplicas, judgeReplicas } from './replicas.ts';

const CART = { namespace: 'shop', service: 'cart' };
const set = readFeatures(SHIPPED_FEATURES);

it('draws the same replicas for the same seed, and lets one differ in the last hour alone', () => {
  const column = set.pods.findIndex(({ name }) => name === 'cpu_cores');
  const value = (step: number, pod: number, factor: number) =>
    drawReplicas(set, { seed: 7, difference: { feature: 'cpu_cores', factor } })
      .pods.get(instanceKey(CART, `cart-${pod}`))
      ?.get(step, column);
  expect(value(200, 2, 1)).toBeGreaterThan(0);
  expect(value(200, 2, 3)).toBe(value(200, 2, 1));
  expect(value(310, 1, 3)).toBe(value(310, 1, 1));
  expect(value(310, 2, 3)! / value(310, 2, 1)!).toBeCloseTo(3, 4);
});

it('judges what the detector finds', async () => {
  const difference = { feature: 'cpu_cores', factor: 6 };
  expect(await judgeReplicas(set, drawReplicas(set, { seed: 7, difference }))).toMatchObject({ found: true, stays: 1 });
  expect(await judgeReplicas(set, drawReplicas(set, { seed: 7 }))).toMatchObject({ found: false, stays: 0 });
});
