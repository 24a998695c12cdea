import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A tree of cgroups. Version 2 is one for all controllers; beside it, version 1 may have trees for some of them. */
export interface Hierarchy {
  /** 0 is version 2. */
  readonly id: number;
  /** Its folder, without a slash at the end. */
  readonly root: string;
}

const VERSION_2 = 0;

/** The id of none. */
export const NO_HIERARCHY = -1;

/**
 * The hierarchy that a controller is in, by its name in version 1. Trees of version 1 are looked for where all
 * distributions have them, beside `cgroupfs`: /sys/fs/cgroup/memory beside /sys/fs/cgroup/unified. Undefined when it
 * isn't there.
 *
 * @param processCgroups /proc/<pid>/cgroup of any process: lines `id:controllers:path`
 */
export function findHierarchy(
  controller: string,
  cgroupfs: string,
  processCgroups: string = readFileSync('/proc/self/cgroup', 'utf8'),
): Hierarchy | undefined {
  for (const line of processCgroups.split('\n')) {
    const [id, controllers = ''] = line.split(':');
    if (!controllers.split(',').includes(controller)) continue;
    const root = join(dirname(cgroupfs), controller);
    return existsSync(root) ? { id: Number(id), root } : undefined;
  }
  return { id: VERSION_2, root: cgroupfs };
}

/** Whether it is the tree of version 2, where a controller counts for those cgroups only for which it is turned on. */
export function isUnified({ id }: Hierarchy): boolean {
  return id === VERSION_2;
}
