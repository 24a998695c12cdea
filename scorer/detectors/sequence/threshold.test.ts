import { describe, expect, it } from 'vitest';
import { Random } from '../../numeric/random.ts';
import { anomalyProbability, fitErrors, normalDistribution, normalQuantile } from './threshold.ts';

const random = new Random(5);
const normal = Array.from({ length: 20_000 }, () => 10 + 2 * random.normal());

describe('the normal distribution', () => {
  it.each([
    [0, 0.5],
    [1.959964, 0.975],
    [-1, 0.158655],
    [2.326348, 0.99],
  ])('at %s is %s, and back', (x, share) => {
    expect(normalDistribution(x)).toBeCloseTo(share, 5);
    expect(normalQuantile(share)).toBeCloseTo(x, 4);
  });
});

describe('fitErrors', () => {
  it('by a Gaussian sets the threshold at the one-sided confidence', () => {
    const model = fitErrors(normal, { method: 'gaussian', confidence: 0.99 })!;
    expect(model.threshold).toBeCloseTo(10 + 2.326 * 2, 1);
    expect(anomalyProbability(model.threshold, model)).toBeCloseTo(0.99, 4);
    expect(anomalyProbability(10, model)).toBeCloseTo(0.5, 1);
  });

  it('by a percentile sets it there', () => {
    const errors = Array.from({ length: 1001 }, (_, i) => i);
    const model = fitErrors(errors, { method: 'percentile', confidence: 0.997 })!;
    expect(model.threshold).toBeCloseTo(997, 9);
    expect(anomalyProbability(498.5, model)).toBeCloseTo(0.5, 9);
    expect(anomalyProbability(5000, model)).toBe(1);
  });

  it('by the tail goes beyond what a short time has shown, never below it', () => {
    const short = Array.from({ length: 60 }, () => Math.exp(0.5 * random.normal()));
    const model = fitErrors(short, { method: 'tail', confidence: 0.99 })!;
    expect(model.threshold).toBeGreaterThan(Math.max(...short) * 0.9);
    const spiked = fitErrors([...Array<number>(100).fill(1), 80, 80, 80], { method: 'tail', confidence: 0.99 })!;
    expect(spiked.threshold).toBeGreaterThanOrEqual(80);
  });

  it('has no answer without errors and a positive one for errors of nothing', () => {
    expect(fitErrors([NaN], { method: 'tail', confidence: 0.99 })).toBeUndefined();
    for (const method of ['gaussian', 'percentile', 'tail'] as const) {
      expect(fitErrors([0, 0], { method, confidence: 0.99 })!.threshold).toBeGreaterThan(0);
    }
  });
});
