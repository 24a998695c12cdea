import { describe, expect, it } from 'vitest';
import { History } from '../../fleet/history.ts';
import { noise, shape } from './noisy-history.testdata.ts';
import { learnEdgeScalings } from './scalings.ts';

describe('learnEdgeScalings', () => {
  it("widens the spread of an edge that is often wild to its 99th percentile's", () => {
    const history = new History(2, 1000);
    const random = noise(5);
    for (let step = 0; step < 1000; step++) {
      const calm = 100 * Math.exp(0.1 * (2 * random() - 1));
      history.put(step, 0, calm);
      history.put(step, 1, step % 40 === 0 ? 10_000 : calm);
    }
    const edge = shape.features.slice(0, 2);
    const [quiet, wild] = learnEdgeScalings(edge, history, 0, 999);
    expect(quiet?.spread).toBeLessThan(0.07);
    // ln(100 + 2 % of the median) / 2.576, the 99th percentile being one of the wild values.
    expect(wild?.spread).toBeGreaterThan(1.6);
    expect(wild?.center).toBeCloseTo(quiet?.center ?? 0, 0);
  });
});
