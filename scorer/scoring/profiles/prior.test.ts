import { describe, expect, it } from 'vitest';
import { learnProfile } from './learn-profile.ts';
import { columns, flat, noisyHistory, shape } from './noisy-history.testdata.ts';
import { parsePrior, poolProfiles } from './prior.ts';

describe('priors', () => {
  it('survive JSON, unknown figures included', async () => {
    const profile = await learnProfile(shape, noisyHistory(100, 0.1), { from: 1, to: 99 }, flat);
    const pooled = poolProfiles(columns, [{ ...profile, scalings: [undefined, ...profile.scalings.slice(1)] }]);
    const read = parsePrior(JSON.parse(JSON.stringify(pooled)));
    expect(read?.spread[0]).toBeNaN();
    expect(read?.spread[1]).toBe(pooled.spread[1]);
    expect(read?.threshold).toBe(pooled.threshold);
    expect(parsePrior(undefined)).toBeUndefined();
  });
});
