import { describe, expect, it } from 'vitest';
import { columns, noisyHistory, shape } from './noisy-history.testdata.ts';
import { usualSteps } from './usual-steps.ts';

describe('usualSteps', () => {
  it('sets aside what is far beyond the usual with the steps just after it, and no more than a tenth', () => {
    const history = noisyHistory(400, 0.1);
    for (const step of [100, 101, 300]) for (let column = 0; column < columns; column++) history.put(step, column, 900);
    const scalings = Array.from({ length: columns }, () => ({ center: 100, spread: 0.1 }));
    const kept = new Set(usualSteps(shape, history, { from: 1, to: 399 }, scalings));
    expect([99, 100, 101, 102, 103, 104, 300, 302, 303].map((step) => kept.has(step))).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(kept.size).toBeGreaterThan(380);
    for (let step = 200; step < 400; step++)
      for (let column = 0; column < columns; column++) history.put(step, column, 900);
    const half = usualSteps(shape, history, { from: 1, to: 399 }, scalings);
    expect(half.filter((step) => step >= 200).length).toBeGreaterThan(150);
  });
});
