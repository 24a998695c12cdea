import { expect, test } from 'vitest';
import { isExpected, skipLines, type TestOutcome } from './skipped-tests.ts';

const ran = (...path: string[]): TestOutcome => ({ path, isSkipped: false });
const skipped = (reason: string | undefined, ...path: string[]): TestOutcome => ({ path, isSkipped: true, reason });

test.each([
  ['nothing', [ran('a', 'x')], []],
  ['a test', [ran('a', 's', 'x'), skipped('r', 'a', 's', 'y')], ['a > s > y: r']],
  ['a file', [skipped('r', 'a', 's', 'x'), skipped('r', 'a', 'y'), ran('b', 'x')], ['a (2 tests): r']],
  ['the one test of a file', [skipped('r', 'a', 's', 'x')], ['a > s > x: r']],
  [
    'a suite in a suite',
    [skipped('r', 'a', 's', 't', 'x'), skipped('r', 'a', 's', 't', 'y'), ran('a', 's', 'z')],
    ['a > s > t (2 tests): r'],
  ],
  [
    'a file for several reasons, those of one together',
    [skipped('r', 'a', 'x'), skipped('q', 'a', 'y'), skipped('r', 'a', 'z'), skipped(undefined, 'a', 'u')],
    ['a > x: r', 'a > z: r', 'a > y: q', 'a > u: no reason given'],
  ],
  [
    'tests of one name, and a suite of the same',
    [skipped('r', 'a', 'x'), ran('a', 'x'), skipped('q', 'a', 'x'), skipped('p', 'a', 'x', 'x')],
    ['a > x: r', 'a > x: q', 'a > x > x: p'],
  ],
] as const)('of %s', (_, outcomes, lines) => expect(skipLines(outcomes)).toEqual(lines));

test('a suite is one line only if all of its tests are reported', () => {
  const outcomes = [skipped('r', 'a', 'x'), skipped('r', 'a', 'y')];
  expect(skipLines(outcomes, ({ path }) => path.includes('y'))).toEqual(['a > y: r']);
});

const EXPECTED = [
  { reason: 'no moon', tests: 'a.test.ts > at night' },
  { reason: /no (moon|star) at all/, tests: 'b/' },
  { reason: 'no reason given', tests: 'c.test.ts > x' },
];

test.each([
  [true, skipped('no moon', 'a.test.ts', 'at night', 'x')],
  [false, skipped('no moon', 'a.test.ts', 'by day', 'x')],
  [false, skipped('no moon', 'b/a.test.ts', 'at night', 'x')],
  [false, skipped('no moonlight', 'a.test.ts', 'at night', 'x')],
  [true, skipped('no star at all', 'b/a.test.ts', 'x')],
  [false, skipped('no star', 'b/a.test.ts', 'x')],
  [false, skipped('no star at all, nor planets', 'b/a.test.ts', 'x')],
  [false, skipped('there is no star at all', 'b/a.test.ts', 'x')],
  [true, skipped(undefined, 'c.test.ts', 'x')],
  [false, skipped(undefined, 'a.test.ts', 'at night', 'x')],
])('expected: %o, %o', (expected, outcome) => expect(isExpected(outcome, EXPECTED)).toBe(expected));
