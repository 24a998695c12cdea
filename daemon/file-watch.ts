import { type BigIntStats, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export interface FileWatchOptions {
  /** Poll interval in milliseconds, for changes without a file system event. */
  readonly pollMs?: number;
  /** Time without further events before the file is examined, in milliseconds: a change is often several events. */
  readonly settleMs?: number;
  /** Time without writes before `onChange` for a file that is written in place, in milliseconds. */
  readonly quietMs?: number;
}

/** Longer than an editor or a script takes between two writes of one file. */
const QUIET_MS = 1000;

/**
 * Calls `onChange` when the file at `path`, symbolic links followed, was replaced or modified since the last call.
 * Watches the directory, to see atomic renames and ConfigMap swaps immediately. A slow poll finds the other changes:
 * targets of links in other directories, replaced directories, file systems without events. A file that is written in
 * place is reported once it stands still, because half of a file may be valid.
 *
 * @returns a function that ends the watch.
 */
export function watchFile(path: string, onChange: () => void, options: FileWatchOptions = {}): () => void {
  const { pollMs = 5000, settleMs = 50, quietMs = QUIET_MS } = options;
  let known = fingerprint(path);
  let settling: NodeJS.Timeout | undefined;

  const check = (): void => {
    const now = fingerprint(path);
    if (now === known) return;
    if (beingWritten(path, quietMs)) return checkIn(quietMs);
    known = now;
    onChange();
  };
  const checkIn = (milliseconds: number): void => {
    clearTimeout(settling);
    settling = setTimeout(check, milliseconds);
  };
  const watcher = watchFolder(dirname(path), () => checkIn(settleMs));
  const poll = setInterval(check, pollMs);
  poll.unref();
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(settling);
  };
}

/**
 * True for a file that was written less than `quietMs` ago, and not renamed, linked or given attributes since: those
 * change the time of the inode alone, and whoever writes a file elsewhere, or sets its mode last, has written all of it.
 */
export function beingWritten(path: string, quietMs = QUIET_MS): boolean {
  const stats = statsOf(path);
  if (stats === undefined || stats.ctimeNs !== stats.mtimeNs) return false;
  const age = Date.now() - Number(stats.mtimeMs);
  // A negative age is that of a file server with another clock.
  return age >= 0 && age < quietMs;
}

/** Differs after any change of a file; empty if the file does not exist or cannot be reached. */
export function fingerprint(path: string): string {
  const stats = statsOf(path);
  if (stats === undefined) return '';
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}

/** Undefined for a missing file, and for links in a circle, no permission, or a file in place of a directory. */
function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Undefined if watching is impossible (no inotify watches left, no such directory): then only the poll is used. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
