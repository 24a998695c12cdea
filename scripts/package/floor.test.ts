import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FLOOR } from './deb.ts';
import { oldestLibraries } from './floor.ts';

const ENGINE = `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}`;
const ADDONS = ['dist/lorikeet_native.node', 'dist/lorikeet_memory.node'];
const ENGINES = readdirSync(ENGINE).map((name) => join(ENGINE, name));
/** The newest symbols of libstdc++ 8, https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html. */
const NEWEST = { GLIBC: FLOOR.glibc, GLIBCXX: '3.4.25', CXXABI: '1.3.11' };

const isAtMost = (version: string, limit: string): boolean =>
  version.localeCompare(limit, 'en', { numeric: true }) <= 0;

test.each([...ADDONS, ...ENGINES])('%s runs with the libraries that the packages depend on', (file) => {
  const needed = oldestLibraries(file);
  expect(needed.GLIBC).toMatch(/^2\.\d+/);
  for (const library of ['GLIBC', 'GLIBCXX', 'CXXABI'] as const) {
    const version = needed[library] ?? '0';
    expect([library, version, isAtMost(version, NEWEST[library])]).toEqual([library, version, true]);
  }
});

test('a program of this machine that needs more is found', () => {
  // Since glibc 2.34, the start of every program has a symbol of its own.
  const file = join(process.env['TMPDIR'] ?? '/tmp', `lorikeet-floor-${process.pid}`);
  execFileSync('g++', ['-x', 'c++', '-o', file, '-'], { input: 'int main() {}' });
  try {
    expect(isAtMost(oldestLibraries(file).GLIBC ?? '0', NEWEST.GLIBC)).toBe(false);
  } finally {
    rmSync(file);
  }
});
