import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeAtomically } from './atomic-write.ts';
import { writeTextFile } from './write-file.ts';

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
  await expect(writeAtomically(files)).rejects.toMatchObject({ code: 'WRITE', message: `${first}: not writable` });
  expect(readFileSync(first, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['first']);
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
  expect(written).toThrow('/dev/full: not writable');
  expect(() => writeFileSync('/dev/full', 'x')).toThrow(/^ENOSPC: no space left on device, write$/);
});
