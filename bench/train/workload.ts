import { type AutoencoderShape, autoencoderShape } from '../../scorer/detectors/autoencoder/weights.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { NETWORK } from '../../scorer/learning/train-model.ts';
import { DEFAULT_LAGS } from '../../scorer/tensor/tensor.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { type Windows, windowSize } from '../../scorer/training/windows.ts';

export const BATCH = 64;
/** Number of patterns in the mixtures. */
const PATTERNS = 12;

/** The network for the shipped features. */
export function shippedShape(): AutoencoderShape {
  return autoencoderShape(DEFAULT_LAGS.length, readFeatures(SHIPPED_FEATURES).features.length, NETWORK);
}

/** Windows as mixtures of a few patterns and noise, because signals of services are correlated. */
export function mixtures(shape: AutoencoderShape, count: number): Windows {
  const random = new Random(1);
  const size = windowSize(shape);
  const patterns = Array.from({ length: PATTERNS }, () => Float32Array.from({ length: size }, () => random.normal()));
  const data = new Float32Array(count * size);
  for (let window = 0; window < count; window++) {
    const shares = patterns.map(() => 0.05 * random.normal());
    for (let i = 0; i < size; i++) {
      const mixed = patterns.reduce((sum, pattern, k) => sum + shares[k]! * pattern[i]!, 0.5);
      data[window * size + i] = mixed + 0.02 * random.normal();
    }
  }
  return { data, mask: new Uint8Array(count * size).fill(1), count };
}

/**
 * Floating-point operations of one training step: two for each product and its sum, and three passes over each layer
 * (forward, gradient of its input, gradient of its weights). Activations, loss and Adam are left out.
 */
export function operationsOfStep({ channels, steps, features, filters, maps, bottleneck }: AutoencoderShape): number {
  const entries = steps * features;
  const convolution = (channelsIn: number, channelsOut: number) => 9 * channelsIn * channelsOut * entries;
  const forward = 2 * (convolution(channels, filters) + convolution(filters, maps)) + 2 * (maps * entries * bottleneck);
  return 2 * 3 * forward * BATCH;
}
