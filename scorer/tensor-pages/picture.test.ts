import { describe, expect, it } from 'vitest';
import { parseFeatures } from '../features/features.ts';
import { pictureOf } from './picture.ts';

const { features } = parseFeatures(
  'features.yaml',
  `windows: [1s, 2s, 4s]
features: [{ name: rate, expr: 'a[$window]', scale: log }, { name: latency, expr: 'b[$window]', scale: log }]
`,
);
const shape = { features, steps: [0, 1, 2] };
const CELLS = 2 * 3;

describe('pictureOf', () => {
  it('draws observed, reconstructed and difference, windows as colours, newest step on top', () => {
    const observed = new Float32Array(3 * CELLS).fill(0.5);
    const expected = new Float32Array(3 * CELLS).fill(0.5);
    // The first step's second feature: saturated in the shortest window, beyond the range in the middle one's expectation.
    observed[1] = 1;
    expected[CELLS + 1] = 1.4;
    const { width, height, rgb } = pictureOf(shape, observed, expected);
    expect([width, height, rgb.length]).toEqual([3 * (32 + 16) + 16, 3 * 16 + 32, width * height * 3]);
    const at = (x: number, y: number) => [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
    const cell = (panel: number, column: number, row: number) =>
      at(16 + panel * 48 + column * 16 + 8, 16 + row * 16 + 8);
    expect(at(0, 0)).toEqual([255, 255, 255]);
    expect(cell(0, 0, 0)).toEqual([128, 128, 128]);
    expect(cell(0, 1, 0)).toEqual([255, 128, 128]);
    expect(cell(1, 1, 0)).toEqual([128, 255, 128]);
    expect(cell(2, 1, 0)).toEqual([255, 255, 0]);
    expect(cell(2, 1, 2)).toEqual([0, 0, 0]);
  });
});
