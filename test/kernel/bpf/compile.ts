import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TRAFFIC } from '../sandbox/sandbox.ts';

const TESTDATA = join(dirname(fileURLToPath(import.meta.url)), '../testdata');

/** Compiles a BPF program of `testdata/` into `folder` and returns the object's path. */
export function compileBpf(source: string, folder: string, ...flags: readonly string[]): string {
  const output = join(folder, source.replace('.c', '.o'));
  const multiarch = execFileSync('g++', ['-dumpmachine'], { encoding: 'utf8' }).trim();
  const base = ['-target', 'bpf', '-O2', '-g', '-idirafter', `/usr/include/${multiarch}`];
  execFileSync('clang', [...base, ...flags, '-c', join(TESTDATA, source), '-o', output]);
  return output;
}

/** Compiles a C program of `traffic/`, a file or a directory, into `folder` and returns its path. */
export function compileTraffic(source: string, folder: string): string {
  const output = join(folder, basename(source, '.c'));
  const path = join(TRAFFIC, source);
  const sources = source.endsWith('.c') ? [path] : sourcesIn(path);
  execFileSync('gcc', ['-Wall', '-Werror', ...sources, '-o', output]);
  return output;
}

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name));
}
