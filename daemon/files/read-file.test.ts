import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileError, readFileBounded, readStateFile } from './read-file.ts';
import { setAside } from './set-aside.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-read-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string, make: (path: string) => void): string => {
  const path = join(folder, name);
  make(path);
  return path;
};
const directory = at('directory', (path) => mkdirSync(path));
const loop = at('loop', (path) => symlinkSync(path, path));
const text = at('text', (path) => writeFileSync(path, 'x'.repeat(200_000)));
const pipe = at('pipe', (path) => execFileSync('mkfifo', [path]));
const large = at('large', (path) => {
  writeFileSync(path, '');
  truncateSync(path, 3 * 2 ** 30);
});

describe('readFileBounded', () => {
  it('reads a whole file, up to its bound', () => {
    expect(readFileBounded(text, 200_000).length).toBe(200_000);
    expect(() => readFileBounded(text, 199_999)).toThrow(`${text}: more than 199999 bytes`);
  });

  it('reads no more than its bound of what has no end', () => {
    expect(() => readFileBounded('/dev/zero', 1_000_000)).toThrow('/dev/zero: more than 1000000 bytes');
  });

  it.each([
    [join(folder, 'none'), 'no such file'],
    [directory, 'is a directory'],
    [loop, 'not readable, because its symbolic links are a loop'],
    [join(text, 'below'), 'not readable (ENOTDIR)'],
  ])('names %s and says that it is: %s', (path, problem) => {
    expect(() => readFileBounded(path, 10)).toThrow(`${path}: ${problem}`);
  });
});

describe('readStateFile', () => {
  it('reads a file, and nothing where there is none', () => {
    expect(readStateFile(text)?.length).toBe(200_000);
    expect(readStateFile(join(folder, 'none'))).toBeUndefined();
  });

  it.each([
    [directory, 'is a directory'],
    [pipe, 'not a regular file'],
    ['/dev/zero', 'not a regular file'],
    [large, '3221225472 bytes, more than 268435456'],
  ])('refuses %s without waiting, because it is: %s', (path, problem) => {
    expect(() => readStateFile(path)).toThrow(new FileError(path, {}).message.replace('not readable (EIO)', problem));
  });
});

it('what is set aside has another name, and what cannot be moved stays', () => {
  const path = at('broken', (broken) => mkdirSync(broken));
  expect(setAside(path)).toBe(`${path}.unusable`);
  expect(readStateFile(path)).toBeUndefined();
  expect(setAside(path)).toBeUndefined();
});
