import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FeatureSet, readFeatures } from '../../features/features.ts';
import { SHIPPED_FEATURES, SHIPPED_MODEL } from '../../paths.ts';
import { allocateWindows, DEFAULT_LAGS, NEUTRAL } from '../../tensor/tensor.ts';
import { type FleetModel, openModel } from './model-store.ts';

const shipped = readFeatures(SHIPPED_FEATURES);
const open = async (set: FeatureSet) => await openModel([SHIPPED_MODEL], set, DEFAULT_LAGS);

describe('openModel', () => {
  const withStatus = readFeatures('rules/features-http-status.yaml');
  const added = withStatus.features.findIndex(({ name }) => name === 'failed_responses_share');
  let [whole, longer]: (FleetModel | undefined)[] = [];
  beforeAll(async () => {
    whole = (await open(shipped)).model;
    longer = (await open(withStatus)).model;
  });
  afterAll(async () => {
    await whole?.autoencoder.close();
    await longer?.autoencoder.close();
  });

  it('uses the shipped model for a longer list, and says which features it knows', () => {
    expect(added).toBe(shipped.features.length);
    expect(longer?.features).toEqual(shipped.features.map(({ name }) => name));
    const size = withStatus.features.length;
    for (const of of ['spread', 'residual', 'deviation'] as const) {
      const [known, spread] = [whole!.prior![of], longer!.prior![of]];
      expect(spread.filter((_, column) => column % size !== added)).toEqual(known);
      expect(spread.filter((_, column) => column % size === added)).toEqual([NaN, NaN, NaN]);
    }
    expect(longer?.prior?.threshold).toBe(whole?.prior?.threshold);
  });

  it('expects of the others what it would expect without them', async () => {
    const shape = (set: FeatureSet) => ({ features: set.features, steps: DEFAULT_LAGS });
    const [short, long] = [allocateWindows(shape(shipped), 1), allocateWindows(shape(withStatus), 1)];
    let at = 0;
    for (const index of long.data.keys()) {
      long.mask[index] = 1;
      if (index % withStatus.features.length === added) long.data[index] = 0.9;
      else {
        long.data[index] = short.data[at] = 0.5 + 0.3 * Math.sin(at);
        short.mask[at++] = 1;
      }
    }
    const expected = await whole!.autoencoder.reconstruct(short.data, short.mask, 1);
    const all = await longer!.autoencoder.reconstruct(long.data, long.mask, 1);
    expect([...all].filter((_, index) => index % withStatus.features.length !== added)).toEqual([...expected]);
    expect(all[added]).toBe(NEUTRAL);
  });

  it('does not use a model that knows a feature which is not there', async () => {
    const { model, rejected } = await open({ ...shipped, features: shipped.features.slice(1) });
    expect(model).toBeUndefined();
    expect(rejected).toEqual([{ path: SHIPPED_MODEL, reason: 'it was trained on other features', damaged: false }]);
  });
});
