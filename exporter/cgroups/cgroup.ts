import { readFileSync, readdirSync, statfsSync, statSync } from 'node:fs';

/** The machine or its settings lack something that the exporter needs; the message is for the user. */
export class CgroupError extends Error {
  readonly code = 'CGROUP';
  override readonly name = 'CgroupError';
}

/**
 * Where cgroup2 is mounted, after /proc/self/mounts: /sys/fs/cgroup, or /sys/fs/cgroup/unified beside version 1.
 *
 * @throws CgroupError when it isn't.
 */
export function findCgroupMount(mounts: string = readFileSync('/proc/self/mounts', 'utf8')): string {
  for (const line of mounts.split('\n')) {
    const [, path, type] = line.split(' ');
    if (type === 'cgroup2' && path !== undefined) return unescapeMount(path);
  }
  throw new CgroupError('no cgroup2 mount in /proc/self/mounts: mount cgroup2 or set --path.cgroupfs');
}

/** The kernel writes blanks and backslashes of a path as octal. */
function unescapeMount(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** A cgroup's id, which is the inode number of its folder; undefined when there is none. */
export function cgroupId(folder: string): bigint | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats === undefined ? undefined : inode(folder, stats.ino);
}

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const CGROUP2_MAGIC = 0x63677270;

/** What is wrong with a folder as --path.cgroupfs. It isn't fatal: it shows as targets that don't exist. */
export function cgroupfsWarning(path: string): string | undefined {
  const id = cgroupId(path);
  if (id === undefined) return 'no such directory: --path.cgroupfs';
  if (statfsSync(path).type !== CGROUP2_MAGIC) return 'not a cgroup2 file system: --path.cgroupfs';
  return id === 1n ? undefined : "only a part of the cgroup tree: mount the host's and set --path.cgroupfs";
}

/** Inode numbers have 64 bits. Those beyond 2^53 are read again exactly, as doing so for all would be dear. */
function inode(path: string, number: number): bigint | undefined {
  if (Number.isSafeInteger(number)) return BigInt(number);
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** One folder of the tree. */
export interface CgroupFolder {
  readonly path: string;
  readonly id: bigint;
}

/**
 * Walks `root` and everything below, parents first; a folder that vanishes meanwhile is skipped. A leaf costs one stat:
 * its link count says that it has no children (of file systems that keep none, every folder is read).
 */
export function* walkCgroups(root: string): Generator<CgroupFolder> {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) return;
  const id = inode(root, stats.ino);
  if (id !== undefined) yield { path: root, id };
  if (stats.nlink === 2) return;
  for (const name of childFolders(root)) yield* walkCgroups(`${root}/${name}`);
}

function childFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Whether `error` says that a file, folder or process is gone. */
export function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH' || code === 'ENOTDIR';
}
