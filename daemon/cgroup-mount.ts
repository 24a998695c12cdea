import { readFileSync } from 'node:fs';

/**
 * Mount point of cgroup2: /sys/fs/cgroup on most machines, /sys/fs/cgroup/unified next to version 1. Undefined if it is
 * not mounted.
 *
 * @param mounts /proc/self/mounts of any process: lines `device path type options`
 */
export function cgroupMount(mounts: string = readFileSync('/proc/self/mounts', 'utf8')): string | undefined {
  for (const line of mounts.split('\n')) {
    const [, path, type] = line.split(' ');
    if (type === 'cgroup2' && path !== undefined) return unescapeMount(path);
  }
  return undefined;
}

/** The kernel escapes spaces and backslashes of a path in octal. */
function unescapeMount(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
