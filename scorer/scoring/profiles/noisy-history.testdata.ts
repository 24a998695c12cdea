import type { Reconstructor } from '../../detectors/reconstructor.ts';
import { columnCount } from '../../features/columns.ts';
import type { Feature } from '../../features/features.ts';
import { History } from '../../fleet/history.ts';
import { NEUTRAL, type TensorShape } from '../../tensor/tensor.ts';

const feature = (name: string): Feature => ({
  name,
  expr: '$window',
  scale: 'log',
  signal: 'latency',
  unit: 'none',
  floor: 0,
});
export const shape: TensorShape = { features: ['a', 'b', 'c'].map(feature), steps: [0, 1] };
export const columns = columnCount(shape.features);

/** Reconstructs the median everywhere. */
export const flat: Reconstructor = { reconstruct: async (data) => new Float32Array(data.length).fill(NEUTRAL) };

/** Uniform random numbers in 0..1. */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Log-normal values around 100 in every column. */
export function noisyHistory(steps: number, spread: number, seed = 1): History {
  const random = noise(seed);
  const history = new History(columns, steps + 1);
  for (let step = 0; step < steps; step++) {
    for (let column = 0; column < columns; column++) {
      const normal = Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
      history.put(step, column, 100 * Math.exp(spread * normal));
    }
  }
  return history;
}
