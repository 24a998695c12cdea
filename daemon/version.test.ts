import { expect, it } from 'vitest';
import { buildLabels, renderVersion } from './version.ts';

const HERE = `  node version:     ${process.version}\n  platform:         linux/${process.arch}\n`;

it('renders as Prometheus does', () => {
  const build = { version: '1.2.3', branch: 'trunk', revision: 'abc' };
  const first = 'lorikeet-test, version 1.2.3 (branch: trunk, revision: abc)\n';
  expect(renderVersion('lorikeet-test', build)).toBe(first + HERE);
  const date = '2024-05-01T12:00:00.000Z';
  expect(renderVersion('lorikeet-test', { ...build, date })).toBe(`${first}  build date:       ${date}\n${HERE}`);
});

it('reports that it runs from source without a build', () => {
  expect(renderVersion('lorikeet-test')).toMatch(
    /^lorikeet-test, version development \(branch: unknown, revision: unknown\)\n/,
  );
});

it('has the same in the labels of a metric', () => {
  const build = { version: '1.2.3', branch: 'trunk', revision: 'abc', date: '2024-05-01T12:00:00.000Z' };
  const labels = buildLabels(build);
  expect(labels).toEqual({
    version: '1.2.3',
    branch: 'trunk',
    revision: 'abc',
    node_version: process.version,
    platform: `linux/${process.arch}`,
  });
  for (const value of Object.values(labels)) expect(renderVersion('lorikeet-test', build)).toContain(value);
});
