import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MAX_FILES = 20;
const MAX_LINES = 250;
/** Not sources. */
const LEFT_OUT = ['build', 'dist', 'node_modules'];
/** Lint limits the lines of the product's TypeScript. */
const PRODUCT = /^(bpf|native|daemon|exporter|scorer|microsim)\/.*\.(c|cc|h|py)$/;

/** Every folder, with its files. */
function folders(folder = '.'): (readonly [folder: string, files: readonly string[]])[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !LEFT_OUT.includes(name));
  const inner = entries.filter((entry) => entry.isDirectory() && !/^(\.|__pycache__$)/.test(entry.name));
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(folder, name));
  return [[folder, files], ...inner.flatMap(({ name }) => folders(join(folder, name)))];
}

const crowded = (limit: number) =>
  folders()
    .filter(([, files]) => files.length > limit)
    .map(([folder, files]) => `${folder}: ${files.length} files`);

function long(limit: number): string[] {
  const sources = folders().flatMap(([, files]) => files.filter((file) => PRODUCT.test(file)));
  return sources
    .map((file) => [file, readFileSync(file, 'utf8').trimEnd().split('\n').length] as const)
    .filter(([, lines]) => lines > limit)
    .map(([file, lines]) => `${file}: ${lines} lines`);
}

test(`no folder has more than ${MAX_FILES} files, including tests`, () => {
  expect(crowded(MAX_FILES)).toEqual([]);
});

test(`no file of the product in C, C++ or Python has more than ${MAX_LINES} lines`, () => {
  expect(long(MAX_LINES)).toEqual([]);
});

test('a crowded folder and a long file are found', () => {
  expect(crowded(3).join('\n')).toMatch(/^bpf: \d+ files$/m);
  expect(crowded(3).join('\n')).toMatch(/^native\/src\/libbpf: \d+ files$/m);
  expect(long(50).join('\n')).toMatch(/^bpf\/tcp\.bpf\.c: \d+ lines$/m);
  expect(long(50).join('\n')).toMatch(/^native\/src\/addon\/native_object\.cc: \d+ lines$/m);
});
