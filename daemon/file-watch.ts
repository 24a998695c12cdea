import { statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export interface FileWatchOptions {
  /** Poll interval in milliseconds, for changes without a file system event. */
  readonly pollMs?: number;
  /** Time without further changes before `onChange`, in milliseconds: a file is often written in several steps. */
  readonly settleMs?: number;
}

/**
 * Calls `onChange` when the file at `path`, symbolic links followed, was replaced or modified since the last call.
 * Watches the directory, to see atomic renames and ConfigMap swaps immediately. A slow poll finds the other changes:
 * targets of links in other directories, replaced directories, file systems without events.
 *
 * @returns a function that ends the watch.
 */
export function watchFile(path: string, onChange: () => void, options: FileWatchOptions = {}): () => void {
  const { pollMs = 5000, settleMs = 50 } = options;
  let known = fingerprint(path);
  let settling: NodeJS.Timeout | undefined;

  const check = (): void => {
    const now = fingerprint(path);
    if (now === known) return;
    known = now;
    onChange();
  };
  const watcher = watchFolder(dirname(path), () => {
    clearTimeout(settling);
    settling = setTimeout(check, settleMs);
  });
  const poll = setInterval(check, pollMs);
  poll.unref();
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(settling);
  };
}

/** Differs after any change of a file; empty if the file does not exist. */
export function fingerprint(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return '';
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
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
