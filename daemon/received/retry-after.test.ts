import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

test.each([
  [undefined, undefined],
  ['0', 0],
  ['120', 120_000],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 60_000],
  ['Wed, 21 Oct 2015 07:26:00 GMT', 0],
  ['soon', undefined],
  ['-1', undefined],
])('Retry-After: %s', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2015-10-21T07:27:00Z'))).toBe(expected);
});
