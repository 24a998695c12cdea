import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DiskWriter } from './disk-writer.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'disk-writer-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const openFiles = () => readdirSync('/proc/self/fd').length;
const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

it('writes at its rate, leaves no file and closes it', async () => {
  const [files, before, began] = [openFiles(), written(), performance.now()];
  const writer = new DiskWriter(20, 2, folder);
  expect(readdirSync(folder)).toEqual([]);
  expect(openFiles()).toBe(files + 1);
  while (written() - before < 8 * 1024 * 1024) await sleep(5);
  // 20 MB per second: 8 MB, four times the file, take at least 400 ms less one period.
  expect(performance.now() - began).toBeGreaterThan(290);
  writer.stop();
  while (openFiles() > files) await sleep(5);
});

it('says that a folder is not there', () => {
  expect(() => new DiskWriter(1, 1, join(folder, 'none'))).toThrow('ENOENT');
});
