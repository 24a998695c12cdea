import { describe, expect, it } from 'vitest';
import type { Feature } from '../../features/features.ts';
import { History } from '../../fleet/history.ts';
import { learnRange, toRange, withoutOutliers } from './range.ts';
import { isJudgeable, readSeries } from './series.ts';
import { hammingWeights, smoothBackwards } from './smoothing.ts';

const latency: Feature = { name: 'latency', expr: '', scale: 'log', signal: 'latency', unit: 'seconds', floor: 0.001 };
const raw = { window: 4, smoothing: 1, values: 'linear' } as const;

function historyOf(values: readonly number[], from = 100): History {
  const history = new History(1, 1000);
  values.forEach((value, index) => history.put(from + index, 0, value));
  return history;
}

describe('hammingWeights', () => {
  it('are symmetric, sum to 1 and fall to 8 % at the ends', () => {
    const weights = hammingWeights(12);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    expect(weights[0]).toBeCloseTo(weights[11]!, 12);
    // numpy.hamming(12)[[0, 5]] = 0.08, 0.98136677
    expect(weights[0]! / weights[5]!).toBeCloseTo(0.08 / 0.98136677, 6);
  });
});

describe('smoothBackwards', () => {
  it('weighs the point and those before it, and leaves out what is missing', () => {
    const weights = Float64Array.of(0.25, 0.25, 0.5);
    expect([...smoothBackwards(Float64Array.of(4, 8, NaN, 8, 0), weights)]).toEqual([
      4,
      (8 * 0.5 + 4 * 0.25) / 0.75,
      NaN,
      8,
      8 / 3,
    ]);
  });

  it('never looks ahead', () => {
    const calm = smoothBackwards(Float64Array.of(1, 1, 1, 1), hammingWeights(3));
    const later = smoothBackwards(Float64Array.of(1, 1, 1, 99), hammingWeights(3));
    expect(later.subarray(0, 3)).toEqual(calm.subarray(0, 3));
  });
});

describe('a range', () => {
  it('leaves out values beyond three deviations, and what comes later may lie outside', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => 1 + (i % 2));
    const spiked = Float64Array.of(...values, 50);
    const range = learnRange(latency, withoutOutliers(spiked))!;
    expect(range).toEqual({ min: 1, max: 2 });
    expect(toRange(4, range)).toBe(3);
  });

  it('of a constant is a tenth of it, or the floor', () => {
    expect(learnRange(latency, Float64Array.of(2, 2))).toEqual({ min: 2, max: 2.2 });
    expect(learnRange(latency, Float64Array.of(0, NaN))).toEqual({ min: 0, max: 0.001 });
    expect(learnRange(latency, Float64Array.of(NaN))).toBeUndefined();
  });
});

describe('readSeries', () => {
  it('scales to the range, fills gaps with the value before, and marks what was observed', () => {
    const history = historyOf([2, NaN, 3, 6]);
    const series = readSeries(
      history,
      { columns: [0], features: [{ ...latency, floor: 0 }] },
      [{ min: 2, max: 4 }],
      { from: 99, to: 103 },
      raw,
    );
    expect([...series.values]).toEqual([0, 0, 0, 0.5, 2]);
    expect([...series.observed]).toEqual([0, 1, 0, 1, 1]);
  });

  it('takes logarithms of log features where ratios are to count', () => {
    const history = historyOf([0, 0.999, 0.019]);
    const range = { min: Math.log(0.002), max: Math.log(1) };
    const series = readSeries(
      history,
      { columns: [0], features: [latency] },
      [range],
      { from: 100, to: 102 },
      { ...raw, values: 'log' },
    );
    expect([...series.values].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([0, 1, 0.3705]);
  });

  it.each(['linear', 'log'] as const)('sees nothing in what happens below the floor: %s', (values) => {
    const feature = { ...latency, floor: 10 };
    const series = readSeries(
      historyOf([0, 1, 9, 30]),
      { columns: [0], features: [feature] },
      [{ min: 0, max: 20 }],
      { from: 100, to: 103 },
      { ...raw, values },
    );
    expect(series.values[1]).toBe(series.values[0]);
    expect(series.values[2]).toBe(series.values[0]);
    expect(series.values[3]).toBeGreaterThan(series.values[0]!);
  });

  it('puts a column that was never observed in the middle', () => {
    const series = readSeries(
      new History(1, 10),
      { columns: [0], features: [latency] },
      [undefined],
      { from: 1, to: 3 },
      raw,
    );
    expect([...series.values]).toEqual([0.5, 0.5, 0.5]);
    expect(isJudgeable(series, 2, 2, [undefined])).toBe(false);
  });
});

describe('isJudgeable', () => {
  const range = { min: 0, max: 1 };
  const judged = (values: readonly number[]) => {
    const series = readSeries(
      historyOf(values),
      { columns: [0], features: [latency] },
      [range],
      { from: 100, to: 99 + values.length },
      raw,
    );
    return isJudgeable(series, values.length - 1, 4, [range]);
  };

  it.each([
    ['a whole window', [1, 1, 1, 1], true],
    ['half a window', [NaN, NaN, 1, 1], true],
    ['less than half', [NaN, NaN, NaN, 1], false],
    ['without the newest step', [1, 1, 1, NaN], false],
    ['a short past', [1, 1, 1], false],
  ])('%s', (_, values, expected) => {
    expect(judged(values)).toBe(expected);
  });
});
