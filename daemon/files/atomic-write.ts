import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WriteError } from './write-file.ts';

export interface FileContent {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes of this process: two of one file at a time need names of their own. */
let writes = 0;

/**
 * Writes files of one directory atomically: at any time, even after a power failure, each is either the old or the new
 * one. Writes temporary files, syncs them, renames them and syncs the directory. All are on disk before the first is
 * renamed, to keep the time short in which old and new files coexist.
 *
 * @throws WriteError, and leaves no temporary file
 */
export async function writeAtomically(files: readonly FileContent[]): Promise<void> {
  const own = `${process.pid}-${++writes}`;
  const pending = files.map(({ path, content }) => ({ path, content, temporary: `${path}.${own}.tmp` }));
  const directories = new Set(pending.map(({ path }) => dirname(path)));
  try {
    for (const directory of directories) await naming(directory, mkdir(directory, { recursive: true }));
    for (const { path, temporary, content } of pending) await naming(path, writeSynced(temporary, content));
    for (const { path, temporary } of pending) await naming(path, rename(temporary, path));
  } catch (error) {
    await Promise.allSettled(pending.map(({ temporary }) => rm(temporary, { force: true })));
    throw error;
  }
  for (const directory of directories) await naming(directory, syncDirectory(directory));
}

async function naming(path: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new WriteError(path, error);
  }
}

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
