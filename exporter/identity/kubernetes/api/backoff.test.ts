import { expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

it('doubles its limit up to 30 s, for any number of attempts, and starts again after a reset', () => {
  const backoff = new Backoff(() => 1);
  const bounds = Array.from({ length: 5000 }, () => backoff.next());
  expect(bounds.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(new Set(bounds.slice(8))).toEqual(new Set([30_000]));
  backoff.reset();
  expect(backoff.next()).toBe(500);
});

it('spreads over all of the time up to the bound', () => {
  const draws = [0, 0.25, 0.99];
  const backoff = new Backoff(() => draws.shift() ?? 0);
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 250, 1980]);
});
