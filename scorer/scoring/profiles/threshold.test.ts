import { describe, expect, it } from 'vitest';
import { noise } from './noisy-history.testdata.ts';
import { tailThreshold } from './threshold.ts';

describe('tailThreshold', () => {
  const inARow = (rawScores: readonly number[]) => rawScores.map((rawScore, step) => ({ step, rawScore }));

  it('extrapolates the log-normal tail', () => {
    const random = noise(3);
    const values = Array.from({ length: 500 }, () => Math.exp(0.3 * (random() + random() + random() - 1.5) * 2));
    expect(tailThreshold(inARow(values))).toBeGreaterThan(Math.max(...values));
    expect(tailThreshold([])).toBeNaN();
  });

  it('is raised by scores sustained for two steps, not by single outliers, nor by two with a gap between', () => {
    const calm = Array<number>(30).fill(1);
    expect(tailThreshold(inARow([...calm, 50, ...calm, 40, ...calm]))).toBe(1);
    expect(tailThreshold(inARow([...calm, 50, 40, ...calm]))).toBeGreaterThan(20);
    expect(
      tailThreshold([
        { step: 1, rawScore: 50 },
        { step: 3, rawScore: 50 },
        ...calm.map((rawScore, step) => ({ step: 10 + step, rawScore })),
      ]),
    ).toBe(1);
  });
});
