import { expect, test } from 'vitest';
import { chooseParts } from './parts.ts';

const KNOWN = ['memory', 'kernel', 'cpu'] as const;

test.each([
  { args: [], parts: KNOWN },
  { args: ['--only=cpu'], parts: ['cpu'] },
  { args: ['--only=cpu,memory'], parts: ['memory', 'cpu'] },
  { args: ['--only=cpu', '--only=kernel'], parts: ['kernel', 'cpu'] },
])('$args selects $parts', ({ args, parts }) => {
  expect(chooseParts(KNOWN, args)).toEqual(parts);
});

test.each([
  { args: ['--only=disk'], message: 'no part "disk": expected some of memory, kernel, cpu' },
  { args: ['--only='], message: 'no part ""' },
  { args: ['cpu'], message: 'unexpected argument "cpu"' },
])('rejects $args', ({ args, message }) => {
  expect(() => chooseParts(KNOWN, args)).toThrow(message);
});
