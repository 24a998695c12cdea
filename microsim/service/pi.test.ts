import { expect, it } from 'vitest';
import { computePi } from './pi.ts';

it.each([
  [1, '3'],
  [3, '314'],
  [51, '314159265358979323846264338327950288419716939937510'],
])('%i digits of pi', (digits, expected) => {
  expect(computePi(digits).toString()).toBe(expected);
});

it('ends in the right digits after a thousand', () => {
  expect(computePi(1001).toString()).toMatch(/^3141592653.*2164201989$/);
});
