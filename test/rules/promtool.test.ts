import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeReleases } from '../skips/describe-releases.ts';

const filesOf = (folder: string, end: string) =>
  readdirSync(folder).flatMap((name) => (name.endsWith(end) ? [`${folder}/${name}`] : []));
const RULES = [...filesOf('rules', '.alerts.yaml'), ...filesOf('rules/generated', '.yaml')];

describeReleases(({ promtool }) => {
  const run = (...args: readonly string[]) => execFileSync(promtool, args, { encoding: 'utf8' });

  it.each(RULES)('%s is valid', (path) => {
    expect(run('check', 'rules', '--lint=all', '--lint-fatal', path)).toContain('SUCCESS');
  });

  it.each(filesOf('rules/tests', '.yaml'))('%s passes', { timeout: 120_000 }, (path) => {
    expect(run('test', 'rules', path)).toContain('SUCCESS');
  });
});
