import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeAtomically } from './atomic-write.ts';
import { WriteError, writeTextFile } from './write-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-atomic-write-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('names the file that cannot be written, and leaves the others as they were', async () => {
  const first = join(folder, 'first');
  await writeAtomically([{ path: first, content: 'old' }]);
  const below = join(first, 'second');
  const files = [
    { path: first, content: 'new' },
    { path: below, content: 'new' },
  ];
  await expect(writeAtomically(files)).rejects.toMatchObject({
    code: 'WRITE',
    message: `${first}: not writable: EEXIST: file already exists`,
  });
  expect(readFileSync(first, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['first']);
});

it('fails the second time in the same words as the first, so that a log need not say it again', async () => {
  const path = join(folder, 'taken');
  mkdirSync(path);
  const files = [{ path, content: 'new' }];
  const failure = new WriteError(path, new Error('EISDIR: illegal operation on a directory'));
  for (let time = 0; time < 2; time++) await expect(writeAtomically(files)).rejects.toThrow(failure);
});

it('writes one file twice at a time, and never half of it', async () => {
  const path = join(folder, 'twice');
  const contents = ['a', 'b'].map((letter) => letter.repeat(4 * 2 ** 20));
  await writeAtomically([{ path, content: contents[0]! }]);
  const written = new AbortController();
  const writing = Promise.all(
    contents.map(async (content) => {
      for (let time = 0; time < 10; time++) await writeAtomically([{ path, content }]);
    }),
  ).finally(() => written.abort());
  const seen = new Set<string>();
  while (!written.signal.aborted) {
    seen.add(readFileSync(path, 'utf8'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  expect([...seen].filter((content) => !contents.includes(content)).map(({ length }) => length)).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
});

it('names a device that is full', () => {
  const written = () => writeTextFile('/dev/full', 'x');
  expect(written).toThrow(new WriteError('/dev/full', new Error('ENOSPC: no space left on device')));
});
