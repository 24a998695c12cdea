import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cgroupMounts } from '../../daemon/cgroup-mount.ts';

/** What is left of a machine on this computer: paths of its cgroups and of its folder, ids of processes that name it. */
export function leftOf(folder: string): string[] {
  const cgroups = cgroupMounts().map(({ path }) => join(path, basename(folder)));
  return [...[...cgroups, folder].filter((path) => existsSync(path)), ...processesThatName(folder)];
}

function processesThatName(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      // It has ended in the meantime.
      return false;
    }
  });
}
