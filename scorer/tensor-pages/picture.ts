import { CHANNELS } from '../features/features.ts';
import type { Image } from './png.ts';
import type { TensorShape } from '../tensor/tensor.ts';

/** Width and height of a value, pixels. */
const CELL = 16;
/** Margin around and between the panels, pixels. */
const GAP = 16;
const BACKGROUND = 255;
/** Brightness factor of the differences: half the tensor's range is already far from normal. */
const AMPLIFICATION = 2;

/**
 * Draws a service's window as three panels, side by side: observed values, expected values, and their difference. Each
 * panel has a row per lag, the current step at the top, and a column per feature; the channels are red, green and blue.
 * Grey is the median, brighter is above, darker is below; in the difference, black is as expected.
 *
 * @param observed one window, [channel, lag, feature], values in 0..1
 * @param reconstruction the model's output, of the same shape
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

/** The model's output may lie outside 0..1. */
function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}
