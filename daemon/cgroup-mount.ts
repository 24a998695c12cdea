import { readFileSync } from 'node:fs';

/** Lines `device path type options` of this process' mounts. */
export const readMounts = (): string => readFileSync('/proc/self/mounts', 'utf8');

/** A mount of a cgroup hierarchy. */
export interface CgroupMount {
  readonly path: string;
  readonly version: 1 | 2;
}

/** All mounts of cgroup hierarchies, in the kernel's order. */
export function cgroupMounts(mounts: string = readMounts()): CgroupMount[] {
  return mounts.split('\n').flatMap((line): CgroupMount[] => {
    const [, path, type] = line.split(' ');
    if (path === undefined || (type !== 'cgroup2' && type !== 'cgroup')) return [];
    return [{ path: unescapeMount(path), version: type === 'cgroup2' ? 2 : 1 }];
  });
}

/**
 * Mount point of cgroup2: /sys/fs/cgroup on most machines, /sys/fs/cgroup/unified next to version 1. Undefined if it is
 * not mounted.
 */
export function cgroupMount(mounts?: string): string | undefined {
  return cgroupMounts(mounts).find(({ version }) => version === 2)?.path;
}

/** The kernel escapes spaces and backslashes of a path in octal. */
function unescapeMount(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
