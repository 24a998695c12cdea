import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CHECKS } from './all.ts';

it('lists each check in the Prometheus guide, in the order of the report', () => {
  const guide = readFileSync('docs/guides/prometheus.md', 'utf8');
  const table = guide.slice(guide.indexOf('| check | looks whether |'));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, name, about]) => [name, about]);
  expect(rows.slice(0, CHECKS.length)).toEqual(CHECKS.map(({ name, about }) => [name, about]));
});

it('names each check once', () => {
  expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
});
