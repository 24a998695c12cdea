import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const BYTES = 8 << 20;

/** Runs with a loop device of a file in `folder`. */
export async function withBlockDevice(folder: string, work: (device: string) => Promise<void>): Promise<void> {
  const file = join(folder, 'disk');
  writeFileSync(file, Buffer.alloc(BYTES));
  try {
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    try {
      await work(device);
    } finally {
      execFileSync('losetup', ['--detach', device]);
    }
  } finally {
    rmSync(file);
  }
}

/** Completed requests of a device, see the kernel's Documentation/block/stat.rst. */
export function completedRequests(device: string): { readonly reads: number; readonly writes: number } {
  const fields = readFileSync(`/sys/class/block/${basename(device)}/stat`, 'utf8')
    .trim()
    .split(/\s+/);
  return { reads: Number(fields[0]), writes: Number(fields[4]) };
}
