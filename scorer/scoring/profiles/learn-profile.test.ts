import { describe, expect, it } from 'vitest';
import { History } from '../../fleet/history.ts';
import { learnProfile, MIN_DEVIATION, MIN_RESIDUAL } from './learn-profile.ts';
import { columns, flat, noisyHistory, shape } from './noisy-history.testdata.ts';

describe('learnProfile', () => {
  it('learns scaling, fault-free residual and a threshold that its own windows stay below', async () => {
    const profile = await learnProfile(shape, noisyHistory(2000, 0.2), { from: 1, to: 1999 }, flat);
    for (const scaling of profile.scalings) {
      expect(scaling?.center).toBeGreaterThan(97);
      expect(scaling?.center).toBeLessThan(103);
      expect(scaling?.spread).toBeGreaterThan(0.17);
      expect(scaling?.spread).toBeLessThan(0.23);
    }
    // The 99.7th percentile of a normal |z| is 2.97, of the residual as of the deviation where the model knows the median only.
    for (const figure of [...profile.residual, ...profile.deviation]) expect(Math.abs(figure - 2.97)).toBeLessThan(0.4);
    expect(profile.threshold).toBeGreaterThan(0.6);
    expect(profile.threshold).toBeLessThan(3);
    expect(profile.windows).toBe(1999);
  });

  it('rests on the prior while it has seen little, and on its own time when it has seen much', async () => {
    const prior = {
      spread: Array(columns).fill(1),
      residual: Array(columns).fill(3),
      deviation: Array(columns).fill(3),
      threshold: 9,
    };
    const learn = async (steps: number) =>
      await learnProfile(shape, noisyHistory(steps, 0.05), { from: 1, to: steps - 1 }, flat, prior);
    const [young, old] = [await learn(6), await learn(3000)];
    expect(young.threshold).toBeGreaterThan(7);
    expect(young.scalings[0]?.spread).toBeGreaterThan(0.9);
    expect(old.threshold).toBeLessThan(3);
    expect(old.scalings[0]?.spread).toBeLessThan(0.2);
  });

  it('leaves a column without values unknown and a constant one calm', async () => {
    const history = new History(columns, 60);
    for (let step = 0; step < 50; step++) history.put(step, 0, 7);
    const profile = await learnProfile(shape, history, { from: 0, to: 49 }, flat);
    expect(profile.scalings[0]).toEqual({ center: 7, spread: 0.03 });
    expect(profile.scalings[1]).toBeUndefined();
    expect([profile.residual[0], profile.deviation[0]]).toEqual([MIN_RESIDUAL, MIN_DEVIATION]);
  });
});
