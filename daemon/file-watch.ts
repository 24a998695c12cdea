import { statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export interface FileWatchOptions {
  /** How often the file is looked at when its folder reports nothing, in milliseconds. */
  readonly pollMs?: number;
  /** How long changes must rest before they are told, in milliseconds: a file is often written in several steps. */
  readonly settleMs?: number;
}

/**
 * Calls `onChange` when the file at `path`, symbolic links followed, is another one or has other content than at the
 * last call. The folder is watched for speed, as atomic renames and ConfigMap swaps happen there; a slow poll sees the
 * rest: links that point elsewhere, folders replaced as a whole, file systems that report nothing.
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

/** What changes with every way of changing a file; empty when there is none. */
export function fingerprint(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return '';
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}

/** Undefined where watching isn't possible (no inotify watches left, no such folder): the poll remains. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
