import { expect, test } from 'vitest';
import { keeps, record } from './keeps.ts';
import { type Kept, markdownTable, rowsOf, summary } from './table.ts';

const kept = (figures: Kept['figures'], more: Partial<Kept> = {}): Kept => ({
  attack: 'pictures',
  name: 'a test',
  state: 'passed',
  figures,
  ...more,
});

test('a row has the largest figure of each name, and holds if all of its tests passed', () => {
  const rows = rowsOf(
    ['pictures'],
    [kept({ health_ms: 9.34, skipped: 0, added_megabytes: 1234.5 }), kept({ health_ms: 123.4, skipped: 0 })],
  );
  expect(rows[0]).toMatchObject({ addedMegabytes: 1234.5, longestBlockMs: undefined, tests: 2, faults: [] });
  expect(rows[0]?.now).toBe('pictures or 503; health within 123 ms, 0 cycles skipped');
  expect(markdownTable(rows)).toMatch(/\| 1,235 MB +\| +\| holds, 2 tests \|$/);
  expect(summary(rows)).toBe('0 open of 1');
});

test.each([
  ['a test failed', [kept({ health_ms: 1, skipped: 1 }), kept({}, { state: 'failed' })], 'failed: a test'],
  ['a test was skipped', [kept({ health_ms: 1, skipped: 1 }), kept({}, { state: 'skipped' })], 'skipped: a test'],
  ['a figure was not recorded', [kept({ skipped: 1 })], 'no health ms'],
  ['no test keeps it', [kept({}, { attack: 'reloads' })], 'no test'],
])('a row is open if %s', (_why, tests, fault) => {
  const rows = rowsOf(['pictures'], tests);
  expect(rows[0]?.faults).toEqual([fault]);
  expect(markdownTable(rows)).toContain(`| **open**: ${fault} |`);
  expect(summary(rows)).toBe('1 open of 1');
});

test('a test that records figures has them as its own', ({ task }) => {
  record({ a: 1, b: 5 });
  record({ a: 3, b: 4 });
  expect(task.meta.figures).toEqual({ a: 3, b: 5 });
  expect(keeps('pictures')).toEqual({ meta: { attack: 'pictures' } });
});
