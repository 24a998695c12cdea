import { readdirSync, statSync } from 'node:fs';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';

/** The machine or its settings lack something that the exporter needs. The message is for the user. */
export class CgroupError extends Error {
  readonly code = 'CGROUP';
  override readonly name = 'CgroupError';
}

/** Mount point of cgroup2. @throws CgroupError if it is not mounted. */
export function findCgroupMount(mounts?: string): string {
  const path = cgroupMount(mounts);
  if (path !== undefined) return path;
  throw new CgroupError('no cgroup2 mount in /proc/self/mounts: mount cgroup2 or set --path.cgroupfs');
}

/**
 * A cgroup's id, the inode number of its directory; undefined if it does not exist. Never throws: one path that the
 * kernel rejects must not cost the other targets their series.
 */
export function cgroupId(folder: string): bigint | undefined {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    return stats === undefined ? undefined : inode(folder, stats.ino);
  } catch {
    return undefined;
  }
}

/** Inode numbers have 64 bits. Only those above 2^53 are read again as BigInt, which is slow. */
function inode(path: string, number: number): bigint | undefined {
  if (Number.isSafeInteger(number)) return BigInt(number);
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** One directory of the tree. */
export interface CgroupFolder {
  readonly path: string;
  readonly id: bigint;
}

/**
 * Walks `root` and everything below, parents first, and skips directories deleted in the meantime. A leaf costs one
 * stat: its link count shows that it has no children. On file systems without link counts every directory is read.
 */
export function* walkCgroups(root: string): Generator<CgroupFolder> {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) return;
  const id = inode(root, stats.ino);
  if (id !== undefined) yield { path: root, id };
  if (stats.nlink === 2) return;
  for (const name of childFolders(root)) yield* walkCgroups(`${root}/${name}`);
}

/** Names of the directories in one; none if it does not exist. */
export function childFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** True if the error means that a file, directory or process no longer exists. */
export function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH' || code === 'ENOTDIR';
}
