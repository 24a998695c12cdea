import type { Reconstructor } from '../../../scorer/detectors/reconstructor.ts';
import { Autoencoder } from '../../../scorer/detectors/autoencoder/autoencoder.ts';
import { type AutoencoderWeights, weightsOf } from '../../../scorer/detectors/autoencoder/weights.ts';
import type { ServicePast } from '../../../scorer/learning/history/clean.ts';
import { trainingWindows } from '../../../scorer/learning/history/training-windows.ts';
import { CHANNELS } from '../../../scorer/features/features.ts';
import { NEUTRAL, type TensorShape, windowSize } from '../../../scorer/tensor/tensor.ts';
import { encodeAutoencoder } from '../../../scorer/detectors/autoencoder/codec.ts';
import { train } from '../../../scorer/training/trainer.ts';
import { solve } from './solve.ts';

/** The part of a model that one service has for itself, in addition to its profile. */
export interface Adapter {
  readonly model: Reconstructor;
  /** Size of the state to keep for each service. */
  readonly bytes: number;
  /** True if one run of one network reconstructs the windows of all services. */
  readonly shared: boolean;
}

export type Adaptation = (shape: TensorShape, service: ServicePast) => Promise<Adapter>;

/** None: a service only has its own scaling and threshold. */
export function scalingAlone(model: Reconstructor): Adaptation {
  return () => Promise.resolve({ model, bytes: 0, shared: true });
}

/** A copy of the network, fine-tuned on the service's own windows; kept open until `close`. */
export function fineTunedCopy(
  weights: AutoencoderWeights,
  seed: number,
  close: (model: Autoencoder) => void,
): Adaptation {
  return async (shape, service) => {
    const tuned = await train(trainingWindows(shape, [service]), {
      steps: shape.steps.length,
      features: shape.features.length,
      init: weights,
      epochs: 30,
      patience: 5,
      learningRate: 1e-3,
      validationShare: 0.15,
      noise: 0.02,
      dropout: 0.05,
      seed,
    });
    const bytes = encodeAutoencoder(tuned.weights);
    const model = await Autoencoder.load(bytes);
    close(model);
    return { model, bytes: bytes.length, shared: false };
  };
}

/** Weight of the prior in values, so that columns with few values hardly change. */
const RIDGE = 10;

/**
 * A factor and an offset for each newest value of the reconstruction, by least squares on the service's own windows.
 */
export function affine(base: Reconstructor): Adaptation {
  return async (shape, service) => {
    const { data, mask, reconstruction, count } = await reconstructed(base, shape, service);
    const size = windowSize(shape);
    const entries = newestEntries(shape);
    const fits = entries.map((entry) => {
      let [n, x1, y1, xx, xy] = [0, 0, 0, 0, 0];
      for (let at = entry; at < count * size; at += size) {
        if (mask[at] === 0) continue;
        const [x, y] = [reconstruction[at]! - NEUTRAL, data[at]! - NEUTRAL];
        n++;
        x1 += x;
        y1 += y;
        xx += x * x;
        xy += x * y;
      }
      const variance = n === 0 ? 0 : xx - (x1 * x1) / n;
      const pull = n === 0 ? 1 : (RIDGE * (xx + 1e-9)) / n;
      const factor = (variance === 0 ? pull : xy - (x1 * y1) / n + pull) / (variance + pull);
      return { factor, offset: (y1 - factor * x1) / (n + RIDGE) };
    });
    const model: Reconstructor = {
      async reconstruct(windows, marks, number) {
        const out = await base.reconstruct(windows, marks, number);
        for (let window = 0; window < number; window++) {
          for (const [index, entry] of entries.entries()) {
            const at = window * size + entry;
            const { factor, offset } = fits[index]!;
            out[at] = NEUTRAL + factor * (out[at]! - NEUTRAL) + offset;
          }
        }
        return out;
      },
    };
    return { model, bytes: 2 * 4 * entries.length, shared: true };
  };
}

/**
 * A vector for each service that is added to the code. If the decoder is linear, so is the effect on the
 * reconstruction, and least squares find the best vector without training.
 */
export async function inputVector(weights: AutoencoderWeights, base: Reconstructor): Promise<Adaptation> {
  const directions = await decoderDirections(weights);
  return async (shape, service) => {
    const { data, mask, reconstruction, count } = await reconstructed(base, shape, service);
    const size = windowSize(shape);
    const residual = new Float64Array(size);
    for (let at = 0; at < count * size; at++) {
      if (mask[at] !== 0) residual[at % size]! += (data[at]! - reconstruction[at]!) / count;
    }
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += a[i]! * b[i]!;
      return sum;
    };
    const normal = directions.map((row, i) => directions.map((column, j) => dot(row, column) + (i === j ? 1e-6 : 0)));
    const vector = solve(
      normal,
      directions.map((direction) => dot(direction, residual)),
    );
    const added = Float64Array.from({ length: size }, (_, i) =>
      directions.reduce((sum, direction, k) => sum + vector[k]! * direction[i]!, 0),
    );
    const model: Reconstructor = {
      async reconstruct(windows, marks, number) {
        const out = await base.reconstruct(windows, marks, number);
        for (let at = 0; at < number * size; at++) out[at]! += added[at % size]!;
        return out;
      },
    };
    return { model, bytes: 4 * directions.length, shared: true };
  };
}

/** The effect of one unit of each element of the code on the reconstruction. */
async function decoderDirections({ shape, values }: AutoencoderWeights): Promise<Float32Array[]> {
  const size = shape.channels * shape.steps * shape.features;
  const outputFor = async (unit: number | undefined) => {
    const copy = { shape, values: values.slice() };
    const of = (name: string) => weightsOf(copy).find((spec) => spec.name === name)!.data;
    of('encoder.2.weight').fill(0);
    of('encoder.2.bias').fill(0);
    if (unit !== undefined) of('encoder.2.bias')[unit] = 1;
    const model = await Autoencoder.load(encodeAutoencoder(copy));
    const out = await model.reconstruct(new Float32Array(size).fill(NEUTRAL), new Float32Array(size).fill(1), 1);
    await model.close();
    return out;
  };
  const rest = await outputFor(undefined);
  const directions: Float32Array[] = [];
  for (let unit = 0; unit < shape.bottleneck; unit++) {
    directions.push((await outputFor(unit)).map((value, i) => value - rest[i]!));
  }
  return directions;
}

async function reconstructed(base: Reconstructor, shape: TensorShape, service: ServicePast) {
  const windows = trainingWindows(shape, [service]);
  const size = windowSize(shape);
  const { count } = windows;
  const [data, mask] = [new Float32Array(count * size), new Float32Array(count * size)];
  for (let index = 0; index < count; index++) windows.copy(index, data, mask, index * size);
  return { data, mask, count, reconstruction: await base.reconstruct(data, mask, count) };
}

/** Positions of the newest value of each column in a window: only these are scored. */
function newestEntries({ features, steps }: TensorShape): number[] {
  return CHANNELS.flatMap((_, channel) =>
    features.map((__, feature) => channel * steps.length * features.length + feature),
  );
}
