import { existsSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cgroupMounts } from '../../daemon/cgroup-mount.ts';
import { UsageError } from '../../daemon/flags.ts';
import { CgroupError, cgroupId } from './cgroup.ts';

/** The mount of cgroup2 that the exporter uses. */
export interface Cgroupfs {
  /** Without a trailing slash. */
  readonly path: string;
  /** The reason why it lacks the cgroups of other processes; undefined if it has all. */
  readonly warning?: string;
}

/**
 * The mount given by --path.cgroupfs, else the one that has the whole tree, else any. In the hybrid layout the directory
 * of all hierarchies may be given: /sys/fs/cgroup stands for /sys/fs/cgroup/unified.
 *
 * @param given the flag's value
 * @param mounts lines of /proc/self/mounts
 * @throws UsageError if the flag is wrong, CgroupError if cgroup2 is not mounted.
 */
export function findCgroupfs(given?: string, mounts?: string): Cgroupfs {
  if (given !== undefined) return describe(givenMount(resolve(given)));
  const paths = cgroupMounts(mounts)
    .filter(({ version, path }) => version === 2 && isCgroup2(path))
    .map(({ path }) => path);
  const path = paths.find(isWhole) ?? paths[0];
  if (path !== undefined) return describe(path);
  throw new CgroupError('no cgroup2 mount in /proc/self/mounts: mount cgroup2 or set --path.cgroupfs');
}

function givenMount(given: string): string {
  const mount = [given, join(given, 'unified')].find(isCgroup2);
  if (mount !== undefined) return mount;
  const problem = existsSync(given) ? 'is not a cgroup2 file system' : 'does not exist';
  throw new UsageError(`--path.cgroupfs: expected the mount point of cgroup2, ${given} ${problem}`);
}

function describe(path: string): Cgroupfs {
  return isWhole(path)
    ? { path }
    : { path, warning: "only a part of the cgroup tree: mount the host's and set --path.cgroupfs" };
}

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const CGROUP2_MAGIC = 0x63677270;

/** False for a mount that another one hides as well. */
function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

/** False in a cgroup namespace, and for a bind mount of one cgroup. */
function isWhole(path: string): boolean {
  return cgroupId(path) === 1n;
}
