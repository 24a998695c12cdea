import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { Graph } from '../../network/graph.ts';
import { openGraph } from '../../network/session.ts';
import type { BatchSource } from '../../training/batch.ts';
import type { TrainingSequences } from './learn.ts';
import type { SequenceNetwork } from './sequence-detector.ts';

/** Windows in one run of onnxruntime, which blocks the event loop and holds the states of all their steps. */
const CHUNK = 512;

/** A trained network that reconstructs windows: input `x`, output `reconstruction`, both [batch, window, columns]. */
export class Reconstruction implements SequenceNetwork {
  readonly #session: InferenceSession;
  readonly #window: number;
  readonly #columns: number;

  private constructor(session: InferenceSession, window: number, columns: number) {
    this.#session = session;
    this.#window = window;
    this.#columns = columns;
  }

  static async open(graph: Graph, name: string, window: number, columns: number): Promise<Reconstruction> {
    return new Reconstruction(await openGraph(graph, name), window, columns);
  }

  async reconstruct(data: Float32Array, count: number): Promise<Float32Array> {
    const size = this.#window * this.#columns;
    const result = new Float32Array(count * size);
    for (let start = 0; start < count; start += CHUNK) {
      const windows = Math.min(CHUNK, count - start);
      const tensor = (values: Float32Array) =>
        new Tensor('float32', values.subarray(start * size, (start + windows) * size), [
          windows,
          this.#window,
          this.#columns,
        ]);
      await this.#session.run({ x: tensor(data) }, { reconstruction: tensor(result) });
    }
    return result;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** The windows as the trainer takes them: input `x`. */
export function sequenceBatches({ windows, window, columns }: TrainingSequences): BatchSource {
  const size = window * columns;
  return {
    count: windows.length,
    fill(indices, buffers) {
      const x = buffers.floats('x');
      for (const [place, index] of indices.entries()) {
        const { series, at } = windows[index]!;
        x.set(series.values.subarray((at - window + 1) * columns, (at + 1) * columns), place * size);
      }
    },
  };
}
