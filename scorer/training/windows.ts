import { Tensor } from 'onnxruntime-node';
import { type AutoencoderShape } from '../detectors/autoencoder/weights.ts';
import type { Random } from '../numeric/random.ts';

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

/** The network's input: tensors over buffers that all batches share. */
export interface Batch {
  readonly x: Tensor;
  readonly mask: Tensor;
}

/** Buffers for batches of up to `capacity` windows. */
export class BatchBuffer {
  readonly data: Float32Array;
  readonly mask: Float32Array;
  readonly #shape: AutoencoderShape;
  readonly #size: number;

  constructor(shape: AutoencoderShape, capacity: number) {
    this.#shape = shape;
    this.#size = windowSize(shape);
    this.data = new Float32Array(capacity * this.#size);
    this.mask = new Float32Array(capacity * this.#size);
  }

  /** Loads the windows with these indices. */
  load(source: WindowSource, indices: Uint32Array): Batch {
    for (const [position, index] of indices.entries()) {
      source.copy(index, this.data, this.mask, position * this.#size);
    }
    return this.batch(indices.length);
  }

  /** Tensors over the first `count` windows of the buffers. */
  batch(count: number): Batch {
    const { channels, steps, features } = this.#shape;
    const tensor = (buffer: Float32Array) =>
      new Tensor('float32', buffer.subarray(0, count * this.#size), [count, channels, steps, features]);
    return { x: tensor(this.data), mask: tensor(this.mask) };
  }
}

export interface Corruption {
  /** Standard deviation of the Gaussian noise added to the input. Default: 0. */
  readonly noise?: number;
  /** Probability that a feature of a window is masked, in all channels and steps. Default: 0. */
  readonly dropout?: number;
}

/**
 * Corrupts the first `count` windows, as for a denoising autoencoder (Vincent et al. 2008): it can't just copy its
 * input.
 */
export function corrupt(
  buffer: BatchBuffer,
  count: number,
  shape: AutoencoderShape,
  random: Random,
  options: Corruption,
): void {
  const { noise = 0, dropout = 0 } = options;
  const { data, mask } = buffer;
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
