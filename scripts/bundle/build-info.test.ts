import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildInfo, sourceOf } from './build-info.mjs';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-build-info-'));
afterAll(() => rmSync(folder, { recursive: true }));

function git(...args: readonly string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
  return execFileSync('git', ['-C', folder, ...identity, ...args], { encoding: 'utf8' }).trim();
}

describe('sourceOf', () => {
  const UNKNOWN = { branch: 'unknown', revision: 'unknown' };

  it('is empty without a repository', () => {
    expect(sourceOf(folder)).toEqual(UNKNOWN);
    expect(sourceOf(join(folder, 'gone'))).toEqual(UNKNOWN);
  });

  it("has a repository's branch and commit, and marks modified files", () => {
    git('init', '--quiet', '--initial-branch=trunk');
    writeFileSync(join(folder, 'a'), '1');
    git('add', 'a');
    git('commit', '--quiet', '--message=one');
    const revision = git('rev-parse', 'HEAD');
    expect(sourceOf(folder)).toEqual({ branch: 'trunk', revision });
    writeFileSync(join(folder, 'a'), '2');
    expect(sourceOf(folder)).toEqual({ branch: 'trunk', revision: `${revision}-modified` });
  });

  it('ignores the repository of another project around the sources', () => {
    mkdirSync(join(folder, 'unpacked'));
    expect(sourceOf(join(folder, 'unpacked'))).toEqual(UNKNOWN);
  });
});

it('has a date only if one is given, so that builds are reproducible', () => {
  expect(buildInfo('1.2.3', {})).not.toHaveProperty('date');
  expect(buildInfo('1.2.3', { SOURCE_DATE_EPOCH: '86400' })).toMatchObject({
    version: '1.2.3',
    date: '1970-01-02T00:00:00.000Z',
  });
});

it('takes the commit from a variable where there is no repository, and only there', () => {
  const environment = { LORIKEET_REVISION: 'abc' };
  const run = (cwd: string) => {
    const program = `import { buildInfo } from ${JSON.stringify(join(process.cwd(), 'scripts/bundle/build-info.mjs'))};
      process.stdout.write(buildInfo('1.2.3', ${JSON.stringify(environment)}).revision)`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, encoding: 'utf8' });
  };
  expect(run(join(folder, 'unpacked'))).toBe('abc');
  expect(run(process.cwd())).toMatch(/^[0-9a-f]{40}/);
});
