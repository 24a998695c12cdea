import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/* Failures of the scripts that get tools and schemas for the tests. */

const SCRIPTS = [
  ['build-kubernetes-assets', 'kubernetes-assets: NOT BUILT, so tests against a Kubernetes API server are skipped: '],
  ['fetch-kubernetes-schemas', 'kubernetes-schemas: NOT FETCHED, so the checks against them are skipped: '],
] as const;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-not-here-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the script with empty caches and a `go` that prints a message and fails. */
function run(script: string, said: string) {
  const go = join(folder, 'go');
  writeFileSync(go, `#!/bin/sh\nprintf '${said}' >&2\nexit 1\n`);
  chmodSync(go, 0o755);
  const { KUBEBUILDER_ASSETS: _, ...env } = process.env;
  return spawnSync('bash', [`scripts/${script}.sh`], {
    encoding: 'utf8',
    env: { ...env, PATH: `${folder}:${process.env['PATH']}`, XDG_CACHE_HOME: join(folder, 'cache') },
  });
}

/** The files in the cache, without the lock. */
const left = () =>
  readdirSync(join(folder, 'cache'), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.endsWith('.lock'))
    .map(({ name }) => name);

test.each(SCRIPTS)('%s reports the reason in one line, status 3', (script, says) => {
  const { status, stderr } = run(script, 'go: no such host\nnor another\n');
  expect([status, stderr]).toEqual([3, `${says}go: no such host nor another\n`]);
  expect(left()).toEqual([]);
});

test.each(SCRIPTS)('a wrong checksum is an error: %s fails', (script) => {
  const { status, stderr } = run(script, 'SECURITY ERROR\n');
  expect([status, stderr]).toEqual([1, expect.stringContaining('SECURITY ERROR')]);
  expect(left()).toEqual([]);
});

test.each(SCRIPTS)('without HOME, %s finds its directory', (script) => {
  const args = ['-u', 'HOME', '-u', 'XDG_CACHE_HOME', '-u', 'KUBEBUILDER_ASSETS', 'bash', `scripts/${script}.sh`];
  const { status, stdout } = spawnSync('env', [...args, '--path'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\/.*\/\.cache\/lorikeet\/kubernetes/)]);
});
