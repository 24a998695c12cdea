import { expect, it } from 'vitest';
import { clockSkewMs } from './clock-skew.ts';

it.each([
  ['the same second', 10_200, 10_300, 10_000, 0],
  ['the second before the answer came', 10_900, 11_100, 10_000, 0],
  ['a slow query', 10_000, 40_000, 39_000, 0],
  ['a server 90 s ahead', 10_200, 10_300, 100_000, 89_700],
  ['a server 90 s behind', 100_200, 100_300, 10_000, -89_201],
  ['a slow query of a server ahead', 10_000, 40_000, 50_000, 10_000],
])('clockSkewMs: %s', (_, sentMs, receivedMs, serverMs, expected) => {
  expect(clockSkewMs({ sentMs, receivedMs, serverMs })).toBe(expected);
});
