import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultObjectPath } from '../../native/index.ts';

/** The addon's sources without the interface to Node.js, with AddressSanitizer, LeakSanitizer and UBSan. */

const HERE = dirname(fileURLToPath(import.meta.url));
const LIBBPF = join(HERE, '../../native/src/libbpf');
/** static_archives.cc is for the addon alone, which is a shared object. */
const SOURCES = readdirSync(LIBBPF).filter((name) => name.endsWith('.cc') && name !== 'static_archives.cc');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-leaks-'));
  const multiarch = execFileSync('g++', ['-dumpmachine'], { encoding: 'utf8' }).trim();
  const bpf = ['-target', 'bpf', '-O2', '-g', '-DPROGRAM=unrefused', '-idirafter', `/usr/include/${multiarch}`];
  const refused = join(HERE, '../kernel/testdata/refused.bpf.c');
  execFileSync('clang', [...bpf, '-c', refused, '-o', join(folder, 'refused.o')]);
  const sources = SOURCES.map((name) => join(LIBBPF, name));
  const flags = ['-std=c++17', '-g', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
  // Linked like in native/binding.gyp, see native/src/libbpf/kernel_refusals.h.
  const wrap = '-Wl,--wrap=bpf_prog_load,--wrap=bpf_map_create';
  const output = [wrap, '-l:libbpf.a', '-lelf', '-lz', '-o', join(folder, 'leaks')];
  execFileSync('g++', [...flags, '-fno-sanitize-recover', join(HERE, 'leaks.cc'), ...sources, ...output]);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(times: number, env: NodeJS.ProcessEnv = {}) {
  const args = [defaultObjectPath(), join(folder, 'refused.o'), String(times)];
  return spawnSync(join(folder, 'leaks'), args, { encoding: 'utf8', env: { ...process.env, ...env } });
}

test('opening, reading, failing and closing leaks no memory', () => {
  const { status, stderr } = run(5);
  expect([status, stderr]).toEqual([0, '']);
});

test('a leak is detected', () => {
  const { status, stderr } = run(1, { LEAK: '1' });
  expect(status).not.toBe(0);
  expect(stderr).toContain('Direct leak of 12345 byte(s)');
});
