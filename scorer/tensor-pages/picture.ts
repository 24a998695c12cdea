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
  const stride = width * 3;
  const rgb = new Uint8Array(stride * height).fill(BACKGROUND);
  for (let row = 0; row < rows; row++) {
    const top = (GAP + row * CELL) * stride;
    for (const [index, panel] of panels.entries()) {
      const left = GAP + index * (columns * CELL + GAP);
      for (let x = 0; x < columns * CELL; x++) {
        const value = row * columns + Math.floor(x / CELL);
        for (let channel = 0; channel < CHANNELS.length; channel++) {
          rgb[top + (left + x) * 3 + channel] = toByte(panel[channel * rows * columns + value] ?? NaN);
        }
      }
    }
    // The other lines of the row's cells are the same.
    for (let y = 1; y < CELL; y++) rgb.copyWithin(top + y * stride, top, top + stride);
  }
  return { width, height, rgb };
}

/** The model's output may lie outside 0..1. */
function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}
