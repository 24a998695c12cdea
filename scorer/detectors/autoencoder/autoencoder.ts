import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeAutoencoder, encodeAutoencoder } from './codec.ts';
import { loadModel, ModelFileError } from './model-file.ts';
import { sessionOptions } from '../../network/session.ts';
import type { AutoencoderShape, AutoencoderWeights } from './weights.ts';

export interface AutoencoderOptions {
  readonly threads?: number;
  /**
   * Windows per run of onnxruntime, which blocks the event loop. More aren't faster and take more memory: the outer
   * convolutions hold 9 KB per window at 10 steps and 14 features.
   */
  readonly chunk?: number;
}

/**
 * The trained network; reconstructs the windows of all services in one call.
 *
 * @example
 * const autoencoder = await Autoencoder.load('models/base.onnx');
 * const expected = await autoencoder.reconstruct(data, mask, services);
 */
export class Autoencoder {
  readonly shape: AutoencoderShape;
  readonly #chunk: number;
  #session: InferenceSession | undefined;

  private constructor(shape: AutoencoderShape, session: InferenceSession, chunk: number) {
    this.shape = shape;
    this.#session = session;
    this.#chunk = chunk;
  }

  /**
   * Runs this program's own graph with the weights of a model, never a graph of the file: that might compute anything,
   * and read other files.
   *
   * @param model the bytes of an ONNX file, or its path. With a path, the checksum is compared with that in the card.
   * @throws ModelFileError if the file is damaged or missing, OnnxFormatError if the bytes aren't such a model
   */
  static async load(
    model: Uint8Array | string,
    { threads = 1, chunk = 64 }: AutoencoderOptions = {},
  ): Promise<Autoencoder> {
    const weights = typeof model === 'string' ? await readSaved(model) : decodeAutoencoder(model);
    const session = await InferenceSession.create(encodeAutoencoder(weights), sessionOptions(threads));
    return new Autoencoder(weights.shape, session, chunk);
  }

  /** Number of values in one window: channels x steps x features. */
  get windowSize(): number {
    return this.shape.channels * this.shape.steps * this.shape.features;
  }

  /**
   * Reconstructs windows: returns what the network expects in their place.
   *
   * @param data [count, channels, steps, features], values in 0..1; missing entries are ignored
   * @param mask of the same shape: 1 observed, 0 missing
   * @param into buffer for the result, which the caller can reuse
   * @returns `into`: the reconstruction, of the same shape, missing entries included
   * @throws RangeError if a buffer is too short
   */
  async reconstruct(
    data: Float32Array,
    mask: Float32Array,
    count: number,
    into = new Float32Array(count * this.windowSize),
  ): Promise<Float32Array> {
    const size = this.windowSize;
    for (const array of [data, mask, into]) {
      if (array.length < count * size)
        throw new RangeError(`${count} windows need ${count * size} values, got ${array.length}`);
    }
    for (let start = 0; start < count; start += this.#chunk) {
      const windows = Math.min(this.#chunk, count - start);
      const tensor = (array: Float32Array) =>
        this.#tensor(array.subarray(start * size, (start + windows) * size), windows);
      // onnxruntime writes into the output tensor that is passed in; the copy that the binding returns is discarded.
      await this.#open().run({ x: tensor(data), mask: tensor(mask) }, { reconstruction: tensor(into) });
    }
    return into;
  }

  /** Frees the network's memory. Idempotent. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }

  #open(): InferenceSession {
    if (this.#session === undefined) throw new Error('the autoencoder is closed');
    return this.#session;
  }

  #tensor(values: Float32Array, windows: number): Tensor {
    const { channels, steps, features } = this.shape;
    return new Tensor('float32', values, [windows, channels, steps, features]);
  }
}

async function readSaved(path: string): Promise<AutoencoderWeights> {
  const saved = await loadModel(path);
  if (saved === undefined) throw new ModelFileError(path, 'no such file');
  return saved.weights;
}
