import { describe, expect, it } from 'vitest';
import type { Feature } from '../features/features.ts';
import { History } from '../fleet/history.ts';
import { type ErrorScales, featureErrors, featureShares, newestErrors, ownEvidence, rawScore } from './errors.ts';
import { toUnit } from '../tensor/scaling.ts';
import { allocateWindows, encodeWindow, NEUTRAL, type TensorShape } from '../tensor/tensor.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

const feature = (name: string): Feature => ({
  name,
  expr: '$window',
  scale: 'linear',
  signal: 'latency',
  unit: 'none',
  floor: 0,
});
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
  it('takes the errors of the newest step only, signed, NaN where nothing was observed', () => {
    const windows = allocateWindows(shape, 1);
    windows.mask.fill(1);
    windows.mask[2] = 0;
    windows.data[3] = toUnit(-4);
    const reconstruction = windows.data.map((value, index) => (index === 1 ? toUnit(2) : index === 5 ? 0.9 : value));
    const { residuals, deviations } = newestErrors(shape, windows, reconstruction);
    const rounded = (values: Float32Array) => [...values.subarray(0, 4)].map((value) => Math.round(value * 1e4) / 1e4);
    expect(rounded(residuals)).toEqual([0, -2, NaN, 0]);
    expect(rounded(deviations)).toEqual([0, 0, NaN, -4]);
    expect([residuals.length, deviations.length]).toEqual([columns, columns]);
  });

  const scales = (residual: number, deviation: number): ErrorScales => ({
    residual: Array<number>(columns).fill(residual),
    deviation: Array<number>(columns).fill(deviation),
  });

  it('takes the geometric mean of residual and deviation, each in its own unit, in the shortest window observed', () => {
    const residuals = new Float32Array(columns);
    const deviations = new Float32Array(columns);
    const put = (column: number, residual: number, deviation: number) => {
      residuals[column] = residual;
      deviations[column] = deviation;
    };
    put(0, -4, 9); // 4 / 0.5 and 9 / 4.5
    put(1, 30, 0); // as usual, whatever the model expected
    put(2, NaN, NaN); // not observed in red, but in green
    put(4 + 2, 2, 4.5);
    put(4 + 3, 50, 50); // green alone
    const errors = featureErrors(shape, { residuals, deviations }, scales(0.5, 4.5));
    expect(errors.map((error) => Math.round(error * 1e6) / 1e6)).toEqual([4, 0, 2, 0]);
    for (const channel of [0, 4, 8]) put(channel, NaN, NaN);
    expect(featureErrors(shape, { residuals, deviations }, scales(0.5, 4.5))[0]).toBeNaN();
  });

  it('adds the bits of whatever speaks for trouble of its own: not traffic, not answering faster', () => {
    const signals = ['traffic', 'latency', 'latency', 'saturation', 'errors'] as const;
    const mixed: TensorShape = {
      ...shape,
      features: signals.map((signal, index) => ({ ...feature(`${signal}_${index}`), signal })),
    };
    const unit = { residual: Array<number>(15).fill(0.1), deviation: [] };
    const bits = (values: readonly number[]) => ownEvidence(mixed, [...values, ...values, ...values], unit);
    expect(bits([9, 0, 0, 0, 0])).toBe(0);
    expect(bits([0, -0.7, 0, 0, 0])).toBe(0);
    // log2(1 + 3); the larger of two latencies; a saturation of -0.1 is one bit more, 70 times the usual as much as six times.
    expect(bits([0, 0.1, 0.3, 0, 0])).toBeCloseTo(2, 6);
    expect(bits([0, 0.1, 0.3, -0.1, 0])).toBeCloseTo(3, 6);
    expect(bits([0, 0.1, 0.3, -0.1, 7])).toBeCloseTo(3 + Math.log2(7), 6);
    expect(bits([NaN, NaN, NaN, NaN, NaN])).toBe(0);
    // The mean over the channels that were observed: (0.3 + 0.1) / 2 / 0.1.
    const channels = [...Array<number>(5).fill(0), 0, 0.3, 0, 0, 0, 0, 0.1, 0, 0, 0];
    channels[1] = NaN;
    expect(ownEvidence(mixed, channels, unit)).toBeCloseTo(Math.log2(3), 6);
  });

  it('is the mean of the two largest errors; shares are in descending order', () => {
    expect(rawScore([1, 9, 2, 3])).toBe(6);
    expect(rawScore([NaN, NaN])).toBeNaN();
    expect(featureShares(shape, [1, 6, NaN, 3], [])).toEqual([
      { feature: 'b', share: 0.6 },
      { feature: 'd', share: 0.3 },
      { feature: 'a', share: 0.1 },
    ]);
    expect(featureShares(shape, [0, 0, 0, NaN], [])).toEqual([]);
  });

  it('comes with what is usual in the shortest window', () => {
    const scalings = [undefined, { center: 5, spread: 1 }, undefined, undefined, undefined, { center: 9, spread: 2 }];
    expect(featureShares(shape, [1, 6, NaN, 3], scalings).map(({ usual }) => usual)).toEqual([
      { low: 3.355, high: 6.645 },
      undefined,
      undefined,
    ]);
  });
});
