import { describe, expect, it } from 'vitest';
import type { Feature } from '../features/features.ts';
import { deviation, difference, fromUnit, learnScaling, learnShareScaling, toUnit, usualRange } from './scaling.ts';

const log: Feature = { name: 'f', expr: '$window', scale: 'log', signal: 'latency', unit: 'none', floor: 0 };
const ratio: Feature = { ...log, scale: 'ratio' };
const linear: Feature = { ...log, scale: 'linear' };

describe('difference', () => {
  it.each([
    ['doubled', log, 20, 10, Math.log(20.2 / 10.2)],
    ['zero stays finite', log, 0, 10, Math.log(0.2 / 10.2)],
    ['negative counts as zero', log, -5, 10, Math.log(0.2 / 10.2)],
    ['below the floor is nothing', { ...log, floor: 10 }, 1, 0, 0],
    ['below the floor is nothing, wherever the centre is there', { ...log, floor: 10 }, 1, 9, 0],
    ['from the floor to twice as much', { ...log, floor: 1 }, 2, 1, Math.log(3 / 2)],
    ['from nothing to twice the floor', { ...log, floor: 1 }, 2, 0, Math.log(3 / 2)],
    ['from twice the floor to nothing', { ...log, floor: 1 }, 0, 2, -Math.log(3 / 2)],
    ['far above the floor', { ...log, floor: 1 }, 200, 100, Math.log(202 / 102)],
    ['linear, below the floor', { ...linear, floor: 10 }, 1, 0, 0],
    ['linear, below the floor on either side', { ...linear, floor: 10 }, -9, 9, 0],
    ['linear, above the floor', { ...linear, floor: 10 }, 105, 100, 5],
    ['linear, from nothing', { ...linear, floor: 10 }, -12, 0, -2],
    ['ratio, below the floor', { ...ratio, floor: 0.05 }, 0.04, 0, 0],
    ['ratio, above the floor', { ...ratio, floor: 0.05 }, 0.5, 0.4, 0.1],
    ['linear', linear, -3, 4, -7],
    ['ratio', ratio, 0.9, 0.4, 0.5],
  ])('%s', (_, feature, value, center, expected) => {
    expect(difference(feature, value, center)).toBeCloseTo(expected, 10);
  });
});

describe('learnScaling', () => {
  it('finds median and robust spread, untouched by a tenth of outliers', () => {
    const values = Array.from({ length: 101 }, (_, i) => 40 + i * 0.2);
    const clean = learnScaling(linear, values);
    const dirty = learnScaling(linear, [...values.slice(0, 96), 1e9, 1e9, 1e9, 1e9, 1e9]);
    expect(clean?.center).toBeCloseTo(50, 6);
    expect(clean?.spread).toBeCloseTo(16 / 2.563, 3);
    expect(dirty?.spread).toBeCloseTo(clean?.spread ?? NaN, 6);
  });

  it('gives a constant series the least spread, not zero', () => {
    expect(learnScaling(log, [7, 7, 7])).toEqual({ center: 7, spread: 0.03 });
    expect(learnScaling(linear, [100, 100])?.spread).toBeCloseTo(3, 9);
    expect(learnScaling({ ...linear, floor: 10 }, [0, 0])?.spread).toBeCloseTo(0.3, 9);
  });

  it.each([log, linear, ratio])(
    'sees nothing in what happens below the floor, and at once what exceeds it: $scale',
    (of) => {
      const feature = { ...of, floor: of.scale === 'ratio' ? 0.1 : 10 };
      for (const normal of [[0, 0, 0, 0], [0, 0.9, 0.1, 0.5].map((share) => share * feature.floor)]) {
        const scaling = learnScaling(feature, normal)!;
        for (const share of [0, 0.1, 0.5, 1])
          expect(deviation(feature, share * feature.floor, scaling)).toBeCloseTo(0, 9);
        expect(deviation(feature, 1.01 * feature.floor, scaling)).toBeLessThan(1);
        expect(deviation(feature, 5 * feature.floor, scaling)).toBeGreaterThan(30);
      }
    },
  );

  it('leaves out NaN and infinities, and says nothing of an empty series', () => {
    expect(learnScaling(log, [NaN, 5, Infinity, 5])?.center).toBe(5);
    expect(learnScaling(log, [NaN, -Infinity])).toBeUndefined();
  });

  it('weighs a prior by the number of values', () => {
    const spread = (count: number) =>
      learnScaling(log, Array(count).fill(3), { spread: 0.5, weight: 60 })?.spread ?? NaN;
    expect(spread(1)).toBeGreaterThan(0.49);
    expect(spread(60)).toBeCloseTo(Math.sqrt(0.5 ** 2 / 2), 2);
    expect(spread(100_000)).toBe(0.03);
  });
});

describe('usualRange', () => {
  it.each([
    ['the inverse of log ratios', log, 10, 0.1, 10.2 * Math.exp(-0.1645) - 0.2, 10.2 * Math.exp(0.1645) - 0.2],
    ['nothing below the floor', { ...log, floor: 1 }, 0, 0.03, 0, 0],
    ['nothing where the median is below the floor', { ...log, floor: 1 }, 0.5, 0.03, 0, 0],
    ['from the floor to above it', { ...log, floor: 1 }, 2, Math.log(3 / 2) / 1.645, 0, 3.5],
    ['of a linear feature nothing below the floor', { ...linear, floor: 10 }, 0, 0.3, 0, 0],
    ['of a linear feature above the floor', { ...linear, floor: 10 }, 100, 10, 83.55, 116.45],
    ['of a linear feature on both sides of 0', { ...linear, floor: 10 }, 12, 10, -24.45, 28.45],
    ['nothing below zero', log, 1, 5, 0, 1.02 * Math.exp(8.225) - 0.02],
    ['a difference', linear, 4, 10, -12.45, 20.45],
    ['a share', ratio, 0.9, 0.2, 0.571, 1],
  ])('is %s', (_, feature, center, spread, low, high) => {
    const range = usualRange(feature, { center, spread });
    expect(range.low).toBeCloseTo(low, 9);
    expect(range.high).toBeCloseTo(high, 9);
  });
});

describe('tensor values', () => {
  it('puts the median in the middle and saturates towards 0 and 1', () => {
    expect(toUnit(0)).toBe(0.5);
    expect(toUnit(60)).toBeCloseTo(1, 6);
    expect(toUnit(-60)).toBeCloseTo(0, 6);
    expect(toUnit(3) - 0.5).toBeCloseTo(0.5 - toUnit(-3), 12);
  });

  it('finds the way back, in single precision and at the edges', () => {
    for (const deviations of [-20, -3, 0, 0.5, 12]) {
      expect(fromUnit(Math.fround(toUnit(deviations)))).toBeCloseTo(deviations, 3);
    }
    expect(fromUnit(1)).toBeGreaterThan(45);
    expect(fromUnit(0)).toBeLessThan(-45);
    expect(fromUnit(NaN)).toBeNaN();
  });

  it('keeps a missing or infinite value missing', () => {
    expect(deviation(log, NaN, { center: 1, spread: 1 })).toBeNaN();
    expect(deviation(log, Infinity, { center: 1, spread: 1 })).toBeNaN();
  });
});

describe('learnShareScaling', () => {
  const share: Feature = { ...ratio, signal: 'errors', unit: 'ratio', floor: 0 };
  const never = Array.from({ length: 1000 }, () => 0);

  it.each([
    ['one in a thousand requests', 0, 1000, 1e-3],
    ['a tenth of ten', 0.1, 10, Math.sqrt(0.09 / 10)],
    ['a tenth of a thousand', 0.1, 1000, Math.sqrt(0.09 / 1000)],
    ['one in ten thousand at least', 0, 1e9, 1e-4],
  ])('spreads by the number of requests: %s', (_, usual, requests, spread) => {
    const scaling = learnShareScaling(share, [usual, usual, usual], requests)!;
    expect(scaling.center).toBe(usual);
    expect(scaling.spread).toBeCloseTo(spread, 5);
  });

  it('spreads as the floor does, so that a share just above it is nearly nothing', () => {
    const scaling = learnShareScaling({ ...share, floor: 0.05 }, never, 1000)!;
    expect(scaling.spread).toBeCloseTo(Math.sqrt((0.05 * 0.95) / 1000), 9);
    expect(deviation({ ...share, floor: 0.05 }, 0.051, scaling)).toBeLessThan(0.2);
  });

  it('is wide where the share itself is restless', () => {
    const restless = Array.from({ length: 1000 }, (_, at) => (at % 2) * 0.2);
    expect(learnShareScaling(share, restless, 1e6)!.spread).toBeGreaterThan(0.05);
  });

  it('makes one failure of few requests as far off at any load, and a hundredth of many far off', () => {
    const scaling = learnShareScaling(share, never, 1000)!;
    const load = Math.log(50 / 1000);
    expect(deviation(share, 1 / 50, scaling, load)).toBeCloseTo(deviation(share, 1 / 1000, scaling), 9);
    expect(deviation(share, 0.01, scaling)).toBeCloseTo(10, 1);
    // More requests than usual don't make the past more certain.
    expect(deviation(share, 0.01, scaling, 1)).toBeCloseTo(10, 1);
  });
});
