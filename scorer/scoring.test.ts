import { describe, expect, it } from 'vitest';
import type { Feature } from './features.ts';
import { History } from './history.ts';
import { featureErrors, featureShares, loudness, newestResiduals, ownTrouble } from './scoring.ts';
import { toUnit } from './scaling.ts';
import { allocateWindows, columnCount, columnIndex, encodeWindow, NEUTRAL, type TensorShape } from './tensor.ts';

const feature = (name: string): Feature => ({ name, expr: '$window', scale: 'linear', signal: 'latency', floor: 0 });
const shape: TensorShape = { features: ['a', 'b', 'c', 'd'].map(feature), steps: [0, 1, 3] };
const columns = columnCount(shape.features);

function historyOf(value: (step: number, column: number) => number): History {
  const history = new History(columns, 8);
  for (let step = 100; step < 108; step++) {
    for (let column = 0; column < columns; column++) history.put(step, column, value(step, column));
  }
  return history;
}

describe('encodeWindow', () => {
  it('lays out [channel, step, feature], newest step first', () => {
    const history = historyOf((step, column) => step * 100 + column);
    const scalings = Array.from({ length: columns }, () => ({ center: 0, spread: 1e9 }));
    const windows = allocateWindows(shape, 2);
    encodeWindow(shape, history, 107, scalings, windows, 1);
    const value = (channel: number, row: number, at: number) => windows.data[36 + channel * 12 + row * 4 + at] ?? NaN;
    const small = (raw: number) => 0.5 + 0.5 * Math.tanh(raw / 6e9);
    expect(value(0, 0, 0)).toBeCloseTo(small(10_700), 6);
    expect(value(2, 1, 3)).toBeCloseTo(small(10_600 + columnIndex(shape.features, 2, 3)), 6);
    expect(value(1, 2, 0)).toBeCloseTo(small(10_400 + columnIndex(shape.features, 1, 0)), 6);
    expect(windows.data.subarray(0, 36).every((untouched) => untouched === NEUTRAL)).toBe(true);
  });

  it('leaves missing values and unknown columns neutral and unmasked, and counts what is there now', () => {
    const history = historyOf((step, column) => (step === 107 && column === 1 ? NaN : 5));
    const scalings = Array.from({ length: columns }, (_, column) =>
      column === 2 ? undefined : { center: 5, spread: 1 },
    );
    const windows = allocateWindows(shape, 1);
    expect(encodeWindow(shape, history, 107, scalings, windows, 0)).toBe(columns - 2);
    expect([windows.data[1], windows.mask[1]]).toEqual([NEUTRAL, 0]);
    expect([windows.mask[2], windows.mask[4 + 1]]).toEqual([0, 1]);
  });
});

describe('scores', () => {
  it('takes the residual of the newest step only, NaN where nothing was observed', () => {
    const windows = allocateWindows(shape, 1);
    windows.mask.fill(1);
    windows.mask[2] = 0;
    const reconstruction = windows.data.map((value, index) => (index === 1 ? toUnit(2) : index === 5 ? 0.9 : value));
    const { residuals, shifts } = newestResiduals(shape, windows, reconstruction);
    const rounded = (values: Float32Array) => [...values.subarray(0, 4)].map((value) => Math.round(value * 1e4) / 1e4);
    // asinh(2) = 1.4436; 0.5 - toUnit(2) = -0.5 tanh(1 / 3) = -0.1608
    expect(rounded(residuals)).toEqual([0, 1.4436, NaN, 0]);
    expect(rounded(shifts)).toEqual([0, -0.1608, NaN, 0]);
    expect([residuals.length, shifts.length]).toEqual([columns, columns]);
  });

  it('asks two of three channels to agree', () => {
    const scale = Array<number>(columns).fill(0.1);
    const residuals = new Float32Array(columns);
    residuals[0] = 1; // red alone
    residuals[1] = residuals[5] = 0.5; // red and green
    const errors = featureErrors(shape, residuals, scale);
    expect(errors[0]).toBe(0);
    expect(errors[1]).toBeCloseTo(5, 6);
  });

  it('takes a service for troubled by its loudest signal but traffic, and by latency only when it rises', () => {
    const mixed: TensorShape = {
      ...shape,
      features: (['traffic', 'latency', 'saturation', 'errors'] as const).map((signal) => ({
        ...feature(signal),
        signal,
      })),
    };
    const scale = Array<number>(columns).fill(0.1);
    const trouble = (values: readonly number[]) => ownTrouble(mixed, [...values, ...values, ...values], scale);
    expect(trouble([0.4, 0.1, 0, 0])).toBeCloseTo(1, 9);
    expect(trouble([0.4, -0.3, -0.2, 0])).toBeCloseTo(2, 9);
    expect(trouble([0.4, -0.3, NaN, NaN])).toBe(0);
    // The mean over the channels that were observed: (0.3 + 0) / 2 / 0.1.
    const channels = [0, 0.3, 0, 0, 0, NaN, 0, 0, 0, 0, 0, 0];
    expect(ownTrouble(mixed, channels, scale)).toBeCloseTo(1.5, 9);
  });

  it('is the mean of the loudest two, and shares are told largest first', () => {
    expect(loudness([1, 9, 2, 3])).toBe(6);
    expect(loudness([NaN, NaN])).toBeNaN();
    expect(featureShares(shape, [1, 6, NaN, 3])).toEqual([
      { feature: 'b', share: 0.6 },
      { feature: 'd', share: 0.3 },
      { feature: 'a', share: 0.1 },
    ]);
    expect(featureShares(shape, [0, 0, 0, NaN])).toEqual([]);
  });
});
