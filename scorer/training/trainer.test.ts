import { describe, expect, it } from 'vitest';
import { Autoencoder } from '../detectors/autoencoder/autoencoder.ts';
import { encodeAutoencoder } from '../detectors/autoencoder/codec.ts';
import { pcaReconstruct } from './pca.testdata.ts';
import { Random } from '../numeric/random.ts';
import { TrainingError } from './train-network.ts';
import { train, type TrainingOptions } from './trainer.ts';
import type { Windows } from './windows.ts';

const STEPS = 6;
const FEATURES = 5;
const SIZE = 3 * STEPS * FEATURES;

/**
 * Windows near a plane: random mixtures of three patterns, which differ in every entry, plus noise; one entry in twelve
 * is missing and holds NaN.
 */
function mixtures(
  count: number,
  seed: number,
  { missing = 1 / 12, noise = 0.01 } = {},
): Windows & { mask: Float32Array } {
  const random = new Random(99);
  const patterns = Array.from({ length: 3 }, () => Float32Array.from({ length: SIZE }, () => 0.12 * random.normal()));
  const draws = new Random(seed);
  const data = new Float32Array(count * SIZE);
  const mask = new Float32Array(count * SIZE).fill(1);
  for (let window = 0; window < count; window++) {
    const shares = patterns.map(() => draws.normal());
    for (let i = 0; i < SIZE; i++) {
      const at = window * SIZE + i;
      const mixed = patterns.reduce((sum, pattern, k) => sum + shares[k]! * pattern[i]!, 0.5);
      data[at] = Math.min(1, Math.max(0, mixed + noise * draws.normal()));
      if (draws.uniform() < missing) [data[at], mask[at]] = [Number.NaN, 0];
    }
  }
  return { data, mask, count };
}

const options: TrainingOptions = { steps: STEPS, features: FEATURES, network: { bottleneck: 6 }, epochs: 40, seed: 2 };

/** Mean squared error over the observed entries of the windows from `first` on. */
function meanSquare({ data, mask, count }: Windows, expected: (entry: number) => number, first = 0): number {
  let [total, observed] = [0, 0];
  for (let i = first * SIZE; i < count * SIZE; i++) {
    if (mask[i] === 0) continue;
    total += (data[i]! - expected(i)) ** 2;
    observed++;
  }
  return total / observed;
}

describe('train', () => {
  it('learns windows near a plane about as well as principal components, and sees a value off it', async () => {
    const windows = mixtures(2000, 1);
    const { weights, validationLoss, bestEpoch, history } = await train(windows, options);

    const first = 1600;
    const components = pcaReconstruct(windows, SIZE, first, 6);
    const byMean = meanSquare(windows, (entry) => components.mean[entry % SIZE]!, first);
    const byComponents = meanSquare(windows, (entry) => components.reconstruction[entry]!, first);
    expect(history[bestEpoch - 1]!.validationLoss).toBe(validationLoss);
    expect(validationLoss).toBeLessThan(byMean / 20);
    expect(validationLoss).toBeLessThan(byComponents * 1.5);

    const autoencoder = await Autoencoder.load(encodeAutoencoder(weights));
    const probes = mixtures(100, 7, { missing: 0 });
    const corrupted = Array.from({ length: 100 }, (_, window) => window * SIZE + ((window * 37) % SIZE));
    const typical = Math.sqrt(meanSquare(probes, reader(await autoencoder.reconstruct(probes.data, probes.mask, 100))));
    for (const entry of corrupted) probes.data[entry] = probes.data[entry]! > 0.5 ? 0.1 : 0.9;
    const after = await autoencoder.reconstruct(probes.data, probes.mask, 100);
    const residuals = corrupted.map((entry) => Math.abs(probes.data[entry]! - after[entry]!)).sort((a, b) => a - b);
    // Where the value was changed, and not only somewhere: nine of ten stand out by far.
    expect(residuals[10]!).toBeGreaterThan(8 * typical);
    const largest = corrupted.filter(
      (entry) => entry === entryOfLargestResidual(probes.data, after, Math.floor(entry / SIZE)),
    );
    expect(largest.length).toBeGreaterThan(90);
    await autoencoder.close();
  });

  function reader(values: Float32Array): (entry: number) => number {
    return (entry) => values[entry]!;
  }

  function entryOfLargestResidual(data: Float32Array, reconstruction: Float32Array, window: number): number {
    let largest = window * SIZE;
    const residual = (entry: number) => Math.abs(data[entry]! - reconstruction[entry]!);
    for (let i = window * SIZE; i < (window + 1) * SIZE; i++) if (residual(i) > residual(largest)) largest = i;
    return largest;
  }

  it('gives the same weights for the same seed and others for another', async () => {
    const windows = mixtures(300, 3);
    const short = { ...options, epochs: 3, noise: 0.02, dropout: 0.2 };
    const [a, b, c] = [
      await train(windows, short),
      await train(windows, short),
      await train(windows, { ...short, seed: 5 }),
    ];
    expect(a.weights.values).toEqual(b.weights.values);
    expect(a.history).toEqual(b.history);
    expect(c.weights.values).not.toEqual(a.weights.values);
  });

  it('goes on from given weights and keeps them when nothing better comes', async () => {
    const windows = mixtures(400, 4);
    const base = await train(windows, options);
    const tuned = await train(windows, { ...options, init: base.weights, epochs: 10, learningRate: 1e-3 });
    expect(tuned.history[0]!.validationLoss).toBeLessThan(base.history[0]!.validationLoss! / 2);
    expect(tuned.validationLoss).toBeLessThanOrEqual(base.validationLoss!);
    const harmed = await train(windows, { ...options, init: base.weights, epochs: 2, learningRate: 1 });
    expect(harmed.bestEpoch).toBe(0);
    expect(harmed.weights.values).toEqual(base.weights.values);
  });

  it('stops when the validation loss no longer falls and returns the best epoch', async () => {
    // Few windows and much noise: soon only the noise is left to learn, and that doesn't carry over.
    const windows = mixtures(200, 5, { noise: 0.3 });
    const result = await train(windows, { ...options, epochs: 200, patience: 3 });
    expect(result.history.length).toBeLessThan(200);
    expect(result.history.length).toBe(result.bestEpoch + 3);
    const losses = result.history.map(({ validationLoss }) => validationLoss!);
    expect(result.validationLoss).toBe(Math.min(...losses));
  });

  it('trains on everything when nothing shall validate', async () => {
    const result = await train(mixtures(100, 6), { ...options, epochs: 4, validationShare: 0 });
    expect(result).toMatchObject({ bestEpoch: 4, validationLoss: undefined });
    expect(result.history[3]!.trainingLoss).toBeLessThan(result.history[0]!.trainingLoss);
  });

  it('stops immediately when its signal aborts', async () => {
    const controller = new AbortController();
    let epochs = 0;
    const onProgress = () => {
      if (++epochs === 2) controller.abort(new Error('enough'));
    };
    const run = train(mixtures(100, 7), {
      ...options,
      epochs: 1000,
      patience: 1000,
      signal: controller.signal,
      onProgress,
    });
    await expect(run).rejects.toThrow('enough');
    expect(epochs).toBe(2);
    await expect(train(mixtures(10, 7), { ...options, signal: controller.signal })).rejects.toThrow('enough');
  });

  it('says why it can not train', async () => {
    const none = mixtures(0, 1);
    await expect(train(none, options)).rejects.toMatchObject({ code: 'TRAINING_DATA' });
    const { weights } = await train(mixtures(50, 1), { ...options, epochs: 1 });
    const other = { ...options, features: 4, init: weights };
    await expect(train(mixtures(50, 1), other)).rejects.toThrow('6 steps and 5 features, not for 6 and 4');
    const poisoned = mixtures(50, 1, { missing: 0 });
    poisoned.data[3] = Number.NaN;
    const run = train(poisoned, { ...options, validationShare: 0 });
    await expect(run).rejects.toBeInstanceOf(TrainingError);
    await expect(run).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
    await expect(train({ ...poisoned, count: 51 }, options)).rejects.toBeInstanceOf(RangeError);
  });
});
