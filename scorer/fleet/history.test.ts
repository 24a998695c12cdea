import { describe, expect, it } from 'vitest';
import { History } from './history.ts';

describe('History', () => {
  it('returns what was put and NaN for all else', () => {
    const history = new History(2, 4);
    expect(history.newest).toBeUndefined();
    history.put(100, 1, 5);
    expect(history.get(100, 1)).toBe(5);
    expect(history.get(100, 0)).toBeNaN();
    expect(history.get(99, 1)).toBeNaN();
    expect(history.get(101, 1)).toBeNaN();
    expect(history.observed(100)).toBe(1);
  });

  it('forgets beyond its reach and never shows a row of an earlier lap', () => {
    const history = new History(1, 4);
    for (let step = 10; step < 14; step++) history.put(step, 0, step);
    history.put(16, 0, 16);
    expect([12, 13, 14, 15, 16].map((step) => history.get(step, 0))).toEqual([NaN, 13, NaN, NaN, 16]);
  });

  it('takes late values within its reach and leaves older ones out', () => {
    const history = new History(1, 4);
    history.put(20, 0, 20);
    history.put(18, 0, 18);
    history.put(16, 0, 16);
    expect([16, 18, 20].map((step) => history.get(step, 0))).toEqual([NaN, 18, 20]);
    expect(history.newest).toBe(20);
    expect(history.oldest).toBe(18);
  });

  it('survives a gap longer than itself', () => {
    const history = new History(1, 4);
    history.put(1, 0, 1);
    history.put(1000, 0, 2);
    expect([997, 998, 999, 1000].map((step) => history.get(step, 0))).toEqual([NaN, NaN, NaN, 2]);
  });

  it('ignores NaN and infinities', () => {
    const history = new History(1, 4);
    history.put(5, 0, NaN);
    history.put(5, 0, Infinity);
    expect(history.newest).toBeUndefined();
  });

  it('refuses a step at which two sources have a value for one column, and no other step', () => {
    const history = new History(2, 4);
    expect(history.put(1, 0, 10, 1)).toBe(true);
    expect(history.put(1, 1, 11, 1)).toBe(true);
    expect(history.put(1, 1, 12, 2)).toBe(false);
    // Whatever comes later for this step, also from the first source alone.
    expect(history.put(1, 0, 13, 1)).toBe(true);
    expect(history.put(2, 0, 20, 2)).toBe(true);
    expect([history.get(1, 0), history.get(1, 1), history.get(2, 0)]).toEqual([NaN, NaN, 20]);
  });

  it('takes what one source has for a column and another one for another, or for another step', () => {
    const history = new History(2, 4);
    for (const step of [1, 2]) history.put(step, 0, step, 1);
    for (const step of [1, 2, 3, 4]) history.put(step, 1, step, 2);
    for (const step of [3, 4]) history.put(step, 0, step, 3);
    // Read again, as late values are.
    expect([history.put(2, 0, 5, 1), history.put(3, 0, 6, 3)]).toEqual([true, true]);
    expect([1, 2, 3, 4].map((step) => history.get(step, 0))).toEqual([1, 5, 6, 4]);
    expect([1, 2, 3, 4].map((step) => history.get(step, 1))).toEqual([1, 2, 3, 4]);
  });

  it('takes a step again one lap after it refused it', () => {
    const history = new History(1, 4);
    history.put(1, 0, 1, 1);
    history.put(1, 0, 2, 2);
    for (const step of [5, 9]) expect(history.put(step, 0, step, 1)).toBe(true);
    expect(history.get(9, 0)).toBe(9);
    expect(history.put(9, 0, 1, 2)).toBe(false);
  });
});
