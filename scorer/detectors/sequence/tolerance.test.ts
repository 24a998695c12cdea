import { describe, expect, it } from 'vitest';
import { ToleranceQueue } from './tolerance.ts';

describe('ToleranceQueue', () => {
  it('reports an anomaly once nearly all windows of the queue are anomalous, from the first of them to the last', () => {
    const queue = new ToleranceQueue(4, 0.9);
    const said = [0.2, 1, 1, 1].map((probability, step) => queue.take(step, probability, 5 * probability));
    expect(said.every(({ score, interval }) => score < 1 && interval === undefined)).toBe(true);
    const reported = queue.take(4, 1, 7);
    expect(reported).toEqual({ score: 5, interval: { from: 1, to: 4 } });
    expect(queue.take(5, 1, 5).interval).toEqual({ from: 1, to: 5 });
    expect(queue.take(6, 0, 0.1).interval).toBeUndefined();
    for (const step of [7, 8, 9, 10]) queue.take(step, 1, 5);
    expect(queue.take(11, 1, 5).interval).toEqual({ from: 1, to: 11 });
    for (const step of [12, 13, 14, 15]) queue.take(step, 0, 0.1);
    for (const step of [16, 17, 18]) queue.take(step, 1, 5);
    expect(queue.take(19, 1, 5).interval).toEqual({ from: 16, to: 19 });
  });

  it('tolerates a single wild window, however wild', () => {
    const queue = new ToleranceQueue(4, 0.9);
    const scores = [0, 0, 1, 0, 0].map((probability, step) => queue.take(step, probability, 1000 * probability).score);
    expect(Math.max(...scores)).toBeLessThan(0.3);
  });

  it('counts windows that are missing as normal and forgets those that are too old', () => {
    const queue = new ToleranceQueue(3, 0.9);
    for (const step of [0, 1]) queue.take(step, 1, 2);
    expect(queue.take(9, 1, 2).score).toBeCloseTo(1 / 3 / 0.9, 9);
  });

  it('of one window reports each by its size', () => {
    const queue = new ToleranceQueue(1, 1);
    expect(queue.take(0, 0.4, 0.4)).toEqual({ score: 0.4, interval: undefined });
    expect(queue.take(1, 1, 3)).toEqual({ score: 3, interval: { from: 1, to: 1 } });
  });

  it('of two takes the smaller', () => {
    const queue = new ToleranceQueue(2, 1);
    queue.take(0, 1, 9);
    expect(queue.take(1, 1, 2).score).toBe(2);
  });
});
