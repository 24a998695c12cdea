import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A tree of cgroups. Version 2 has one for all controllers; version 1 may have further ones for some controllers. */
export interface Hierarchy {
  /** 0 is version 2. */
  readonly id: number;
  /** Its directory, without a trailing slash. */
  readonly root: string;
}

const VERSION_2 = 0;

/** An id that no hierarchy has. */
export const NO_HIERARCHY = -1;

/**
 * The hierarchy of a controller, by the controller's name in version 1; undefined if it is not mounted. Hierarchies of
 * version 1 are expected next to `cgroupfs`, as on all distributions: /sys/fs/cgroup/memory next to
 * /sys/fs/cgroup/unified.
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

/** True for version 2, where a controller only accounts for cgroups in which it is enabled. */
export function isUnified({ id }: Hierarchy): boolean {
  return id === VERSION_2;
}
