import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const VITEST = ['node_modules/vitest/vitest.mjs', 'run', '--root=test/skips/testdata'];

/** Runs vitest on files of testdata. Returns its summary and the lines that follow. */
function run(files: readonly string[], variables: Readonly<Record<string, string>>) {
  // Variables of this run would make the other one believe that it is a part of it.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|CI$)/.test(name));
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1', ...variables };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...VITEST, ...files], { encoding: 'utf8', env });
  const lines = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));
  return {
    status,
    skipped: lines(stdout, 'skipped: '),
    unexpected: lines(stderr, 'unexpected skip: '),
    closing: /^ +Tests +(.*)$/m.exec(stdout)?.[1],
  };
}

const MOON = 'lacking.fixture.ts > at full moon (3 tests): no moon';
const SUN = 'lacking.fixture.ts > by day one sees: no sun';
const TOLD = [`skipped: ${MOON}`, `skipped: ${SUN}`];
const NIGHT = { LORIKEET_TEST_NIGHT: '1' };

test('skips that are expected on this machine are printed, and the run passes', () => {
  const closing = '1 passed | 4 skipped (5)';
  expect(run(['lacking'], { CI: 'true', ...NIGHT })).toEqual({ status: 0, skipped: TOLD, unexpected: [], closing });
});

test('a skip that is only expected on another machine fails the run', () => {
  const unexpected = [`unexpected skip: ${SUN}`];
  expect(run(['lacking'], { CI: '1' })).toMatchObject({ status: 1, skipped: TOLD, unexpected });
});

test.each([
  [
    'of a test for which its reason is not expected',
    'other-place',
    'other-place.fixture.ts > has no moon either: no moon',
  ],
  ['without a reason', 'without-reason', 'without-reason.fixture.ts > is nobody’s business: no reason given'],
])('one %s fails', (_, file, line) => {
  const report = { skipped: [`skipped: ${line}`], unexpected: [`unexpected skip: ${line}`] };
  expect(run([file], { CI: 'true', ...NIGHT })).toMatchObject({ status: 1, ...report });
});

test.each(['', 'false'])('no skip fails the run if CI is "%s"', (CI) => {
  const { status, skipped, unexpected } = run(['lacking', 'without-reason', 'other-place'], { CI });
  expect([status, skipped.length, unexpected]).toEqual([0, 4, []]);
});

test.each([
  ['one that was not asked for', ['without-reason', '--testNamePattern=fine'], 0, '1 passed | 1 skipped (2)'],
  ['one whose hook failed', ['failed-hook'], 1, '1 skipped (1)'],
])('a test that did not run is not a skip: %s', (_, args, status, closing) => {
  expect(run(args, { CI: 'true' })).toEqual({ status, skipped: [], unexpected: [], closing });
});
