import { expect, it } from 'vitest';
import { churnPods } from './churning-pods.ts';

it('names 300 pods of which 50 a second come, change and go', { timeout: 120_000 }, async () => {
  const { witnesses, events } = await churnPods({ pods: 300, perSecond: 50, seconds: 12 });
  expect([witnesses > 1, events > 100]).toEqual([true, true]);
});
