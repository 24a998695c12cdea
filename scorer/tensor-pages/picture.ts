import { CHANNELS } from '../features/features.ts';
import type { Image } from './png.ts';
import type { TensorShape } from '../tensor/tensor.ts';

/** Pixels a value is wide and high. */
const CELL = 16;
/** Pixels around and between the panels. */
const GAP = 16;
const BACKGROUND = 255;
/** Differences are shown so many times as bright: half a tensor's range is already far beyond any normal one. */
const AMPLIFICATION = 2;

/**
 * A service's window for people: what was observed, what the model expected in its place, and how far they are apart, side by
 * side. Each panel has a row a step, the newest at the top, and a column a feature; the three windows are red, green and
 * blue. Grey is as usual, brighter is more, darker is less; in the difference black is as expected.
 *
 * @param observed one window, [channel, step, feature] in 0..1
 * @param reconstruction of the same shape
 */
export function pictureOf(shape: TensorShape, observed: Float32Array, reconstruction: Float32Array): Image {
  const difference = observed.map((value, at) => AMPLIFICATION * Math.abs(value - (reconstruction[at] ?? NaN)));
  const panels = [observed, reconstruction, difference];
  const [columns, rows] = [shape.features.length, shape.steps.length];
  const width = panels.length * (columns * CELL + GAP) + GAP;
  const height = rows * CELL + 2 * GAP;
  const rgb = new Uint8Array(width * height * 3).fill(BACKGROUND);
  for (const [index, panel] of panels.entries()) {
    const left = GAP + index * (columns * CELL + GAP);
    for (let y = 0; y < rows * CELL; y++) {
      for (let x = 0; x < columns * CELL; x++) {
        const value = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
        const pixel = ((y + GAP) * width + left + x) * 3;
        for (let channel = 0; channel < CHANNELS.length; channel++) {
          rgb[pixel + channel] = toByte(panel[channel * rows * columns + value] ?? NaN);
        }
      }
    }
  }
  return { width, height, rgb };
}

/** The model may expect values beyond 0..1. */
function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}
