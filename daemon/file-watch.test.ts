import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { beingWritten, watchFile } from './file-watch.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-watch-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('beingWritten', () => {
  it('is true for a while after a write', async () => {
    writeFileSync(path, 'a');
    expect(beingWritten(path, 60_000)).toBe(true);
    await pause(30);
    expect(beingWritten(path, 20)).toBe(false);
    appendFileSync(path, 'b');
    expect(beingWritten(path, 60_000)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['renamed into place', () => renameSync(`${path}.new`, path)],
    ['given a mode', () => (renameSync(`${path}.new`, path), chmodSync(path, 0o600))],
    ['given a time, as by cp -p', () => (writeFileSync(path, 'a'), utimesSync(path, 1, 1))],
  ])('is false for a file that was %s', async (_, act) => {
    writeFileSync(`${path}.new`, 'a');
    // Longer than the kernel's time stamps are exact to.
    await pause(20);
    act();
    expect(beingWritten(path, 60_000)).toBe(false);
  });

  it('is false for a missing file', () => expect(beingWritten(path)).toBe(false));
});

describe('watchFile', () => {
  let changes: string[];
  let unwatch: () => void;
  const watch = (quietMs: number) => {
    changes = [];
    unwatch = watchFile(path, () => changes.push(String(statSync(path).size)), { settleMs: 5, quietMs });
  };
  afterEach(() => unwatch());

  it('reports a file that is written in pieces once, when it is complete', async () => {
    writeFileSync(path, '');
    watch(400);
    for (let length = 1; length <= 5; length++) {
      appendFileSync(path, 'x');
      await pause(100);
    }
    expect(changes).toEqual([]);
    await vi.waitFor(() => expect(changes).toEqual(['5']), { timeout: 5000 });
  });

  it('reports a file that is renamed into place immediately', async () => {
    writeFileSync(path, '');
    writeFileSync(`${path}.new`, 'xx');
    await pause(20);
    watch(3_600_000);
    renameSync(`${path}.new`, path);
    await vi.waitFor(() => expect(changes).toEqual(['2']), { timeout: 5000 });
  });

  it.each<[string, () => void]>([
    ['becomes a link to itself', () => (rmSync(path), symlinkSync('file', path))],
    ['loses its directory to a file', () => (rmSync(folder, { recursive: true }), writeFileSync(folder, ''))],
  ])('reports a file that %s, and its return', async (_, act) => {
    writeFileSync(path, '');
    changes = [];
    const look = () => {
      try {
        changes.push(String(statSync(path, { throwIfNoEntry: false })?.size));
      } catch (error) {
        changes.push((error as NodeJS.ErrnoException).code ?? '');
      }
    };
    unwatch = watchFile(path, look, { settleMs: 5, pollMs: 20, quietMs: 1 });
    act();
    await vi.waitFor(() => expect(changes.at(-1)).toMatch(/ELOOP|ENOTDIR/), { timeout: 5000 });
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(path, 'xx');
    await vi.waitFor(() => expect(changes.at(-1)).toBe('2'), { timeout: 5000 });
  });
});
