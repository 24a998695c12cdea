import { Tensor } from 'onnxruntime-node';
import { sizeOf } from '../network/graph.ts';
import { drawDropoutMask } from '../network/layers/dropout.ts';
import type { InputSpec } from '../network/training-graph.ts';
import type { Random } from '../numeric/random.ts';

/** Training examples, by index; **in time order** where the last ones are used for validation. */
export interface BatchSource {
  readonly count: number;
  /**
   * Writes the examples with these indices to the start of the buffers, one after another.
   *
   * @param random for corrupting the examples; undefined in validation
   */
  fill(indices: Uint32Array, buffers: BatchBuffers, random: Random | undefined): void;
}

interface Buffer {
  readonly spec: InputSpec;
  /** Entries of one example. */
  readonly size: number;
  readonly data: Float32Array | BigInt64Array;
}

/** A network's inputs for batches of up to `capacity` examples; all batches share them. */
export class BatchBuffers {
  readonly #buffers: ReadonlyMap<string, Buffer>;

  constructor(inputs: readonly InputSpec[], capacity: number) {
    this.#buffers = new Map(
      inputs.map((spec) => {
        const size = sizeOf(spec.shape);
        const length = capacity * size;
        const data = spec.type === 'int64' ? new BigInt64Array(length) : new Float32Array(length);
        return [spec.name, { spec, size, data }];
      }),
    );
  }

  /** The buffer of a float32 input. */
  floats(name: string): Float32Array {
    const { data } = this.#buffer(name);
    if (data instanceof Float32Array) return data;
    throw new TypeError(`the input ${name} is int64`);
  }

  /** The buffer of an int64 input. */
  integers(name: string): BigInt64Array {
    const { data } = this.#buffer(name);
    if (data instanceof BigInt64Array) return data;
    throw new TypeError(`the input ${name} is float32`);
  }

  /** Loads the examples with these indices, and draws their noise. */
  load(source: BatchSource, indices: Uint32Array, random: Random | undefined): Record<string, Tensor> {
    source.fill(indices, this, random);
    for (const { spec, size } of this.#buffers.values()) {
      if (spec.noise !== undefined) draw(spec.noise, this.floats(spec.name).subarray(0, indices.length * size), random);
    }
    return this.tensors(indices.length);
  }

  /** Tensors over the first `count` examples. */
  tensors(count: number): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.#buffers].map(([name, { spec, size, data }]) => {
        const shape = [count, ...spec.shape];
        return [
          name,
          data instanceof Float32Array
            ? new Tensor('float32', data.subarray(0, count * size), shape)
            : new Tensor('int64', data.subarray(0, count * size), shape),
        ];
      }),
    );
  }

  #buffer(name: string): Buffer {
    const buffer = this.#buffers.get(name);
    if (buffer === undefined) throw new RangeError(`there is no input ${name}`);
    return buffer;
  }
}

function draw(noise: NonNullable<InputSpec['noise']>, into: Float32Array, random: Random | undefined): void {
  if (noise === 'normal') {
    for (let i = 0; i < into.length; i++) into[i] = random?.normal() ?? 0;
  } else if (random === undefined) {
    into.fill(1);
  } else {
    drawDropoutMask(into, noise.dropout, random);
  }
}
