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

it('names a device that is full', () => {
  const written = () => writeTextFile('/dev/full', 'x');
  expect(written).toThrow('/dev/full: not writable');
  expect(() => writeFileSync('/dev/full', 'x')).toThrow(/^ENOSPC: no space left on device, write$/);
});
