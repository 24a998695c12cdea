import { expect, test } from 'vitest';
import { checkOptions } from './options.ts';
import type { OpenOptions } from './options.ts';

test('no options are valid', () => {
  expect(checkOptions({})).toEqual({ maxEntries: [], constants: [], disabled: [] });
});

test('converts options to pairs, and constants to BigInt', () => {
  const options = {
    maxEntries: { edges: 2 ** 32 - 1 },
    constants: { a: 1, b: -1n, c: 2n ** 64n - 1n },
    disabled: ['p'],
  };
  expect(checkOptions(options)).toEqual({
    maxEntries: [['edges', 2 ** 32 - 1]],
    constants: [
      ['a', 1n],
      ['b', -1n],
      ['c', 2n ** 64n - 1n],
    ],
    disabled: ['p'],
  });
});

test.each([
  [{ maxEntries: { edges: 0 } }, 'maxEntries.edges: expected an integer from 1 to 4294967295, got 0'],
  [{ maxEntries: { edges: 1.5 } }, 'maxEntries.edges: expected an integer from 1 to 4294967295, got 1.5'],
  [{ maxEntries: { edges: 2 ** 32 } }, 'maxEntries.edges: expected an integer from 1 to 4294967295, got 4294967296'],
  [{ constants: { a: 0.5 } }, 'constants.a: expected an exact integer, got 0.5'],
  [{ constants: { a: 2 ** 53 } }, 'constants.a: expected an exact integer, got 9007199254740992'],
  [{ constants: { a: 2n ** 64n } }, 'constants.a: expected at most 64 bits, got 18446744073709551616'],
  [{ constants: { a: -(2n ** 63n) - 1n } }, 'constants.a: expected at most 64 bits, got -9223372036854775809'],
] as [OpenOptions, string][])('rejects %o', (options, message) => {
  expect(() => checkOptions(options)).toThrow(new RangeError(message));
});
