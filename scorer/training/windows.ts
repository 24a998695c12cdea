import { type AutoencoderShape } from '../detectors/autoencoder/weights.ts';
import type { Random } from '../numeric/random.ts';
import type { BatchSource } from './batch.ts';

/**
 * Windows in memory, [count, channels, steps, features]. They must be **in time order**, services interleaved, because
 * the last ones are used for validation.
 */
export interface Windows {
  readonly data: Float32Array;
  /** 1 observed, 0 missing. */
  readonly mask: Float32Array | Uint8Array;
  readonly count: number;
}

/** Windows encoded on demand: they overlap, so that a long history would take much memory as windows. */
export interface WindowSource {
  readonly count: number;
  /** Writes window `index` into `data` and `mask` from entry `offset` on. */
  copy(index: number, data: Float32Array, mask: Float32Array, offset: number): void;
}

export function windowSource(windows: Windows | WindowSource, shape: AutoencoderShape): WindowSource {
  if ('copy' in windows) return windows;
  const size = windowSize(shape);
  const { data, mask, count } = windows;
  if (data.length < count * size || mask.length < count * size) {
    throw new RangeError(
      `expected ${count} windows of ${size} values, got ${data.length} values and ${mask.length} mask entries`,
    );
  }
  return {
    count,
    copy(index, dataOut, maskOut, offset) {
      dataOut.set(data.subarray(index * size, (index + 1) * size), offset);
      maskOut.set(mask.subarray(index * size, (index + 1) * size), offset);
    },
  };
}

export function windowSize({ channels, steps, features }: AutoencoderShape): number {
  return channels * steps * features;
}

export interface Corruption {
  /** Standard deviation of the Gaussian noise added to the input. Default: 0. */
  readonly noise?: number;
  /** Probability that a feature of a window is masked, in all channels and steps. Default: 0. */
  readonly dropout?: number;
}

/**
 * The autoencoder's inputs: `x` and `mask`, corrupted in training, and the originals as `target` and `target_mask`.
 * Validation uses only the first two.
 */
export function windowBatches(source: WindowSource, shape: AutoencoderShape, corruption: Corruption): BatchSource {
  const size = windowSize(shape);
  return {
    count: source.count,
    fill(indices, buffers, random) {
      const [data, mask] = [buffers.floats('x'), buffers.floats('mask')];
      for (const [position, index] of indices.entries()) source.copy(index, data, mask, position * size);
      if (random === undefined) return;
      const entries = indices.length * size;
      buffers.floats('target').set(data.subarray(0, entries));
      buffers.floats('target_mask').set(mask.subarray(0, entries));
      corrupt({ data, mask, count: indices.length }, shape, random, corruption);
    },
  };
}

/** Corrupts windows, as for a denoising autoencoder (Vincent et al. 2008): it can't just copy its input. */
export function corrupt(
  { data, mask, count }: Windows,
  shape: AutoencoderShape,
  random: Random,
  options: Corruption,
): void {
  const { noise = 0, dropout = 0 } = options;
  const size = windowSize(shape);
  if (noise > 0) for (let i = 0; i < count * size; i++) data[i]! += noise * random.normal();
  if (dropout === 0) return;
  for (let start = 0; start < count * size; start += size) {
    for (let feature = 0; feature < shape.features; feature++) {
      if (random.uniform() >= dropout) continue;
      for (let i = start + feature; i < start + size; i += shape.features) mask[i] = 0;
    }
  }
}
