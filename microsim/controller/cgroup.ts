import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import { waitFor } from '../protocol/condition.ts';

/** What cgroups are needed for can't be had here; the message says why. */
export class CgroupError extends Error {
  readonly code = 'CGROUP';
  override readonly name = 'CgroupError';
}

/** Where cgroup2 is mounted. @throws CgroupError */
export function findCgroupMount(mounts?: string): string {
  const path = cgroupMount(mounts);
  if (path === undefined) throw new CgroupError('no cgroup2 file system is mounted');
  return path;
}

/** @throws CgroupError when cgroup2 is read-only or this user may not write. */
export function createCgroup(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new CgroupError(`${path}: can't create (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

/** Turns on the controllers that give children their own accounts of memory and CPU, where there are any. */
export function delegateControllers(path: string): void {
  const present = readFileSync(join(path, 'cgroup.controllers'), 'utf8').trim().split(' ');
  for (const controller of ['cpu', 'memory']) {
    if (present.includes(controller)) writeFileSync(join(path, 'cgroup.subtree_control'), `+${controller}`);
  }
}

/** Moves process `pid` with all its threads. */
export function enterCgroup(path: string, pid: number): void {
  writeFileSync(join(path, 'cgroup.procs'), `${pid}`);
}

/** The processes in the cgroup itself, without those below; none when there is no such cgroup. */
export function processesIn(path: string): number[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The cgroup and those below, children first; none when there is no such cgroup. */
export function cgroupTree(path: string): string[] {
  try {
    const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...children.flatMap((child) => cgroupTree(join(path, child.name))), path];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/**
 * Kills every process in the cgroup and below, those that they fork meanwhile included, and removes it.
 * Does nothing when there is no such cgroup.
 *
 * @throws CgroupError when something is left after `timeoutMs`.
 */
export async function removeCgroup(path: string, timeoutMs = 10_000): Promise<void> {
  const removed = await waitFor(() => {
    killAll(path);
    for (const cgroup of cgroupTree(path)) removeEmpty(cgroup);
    return cgroupTree(path).length === 0;
  }, timeoutMs);
  if (removed === true) return;
  const pids = cgroupTree(path).flatMap(processesIn);
  throw new CgroupError(`${path}: can't remove, ${pids.length} processes left (${pids.join(' ')})`);
}

function killAll(path: string): void {
  const pids = cgroupTree(path).flatMap(processesIn);
  if (pids.includes(process.pid)) throw new CgroupError(`${path}: won't kill process ${process.pid}, this one`);
  if (pids.length === 0) return;
  const killFile = join(path, 'cgroup.kill');
  // Linux 5.14 and later: all at once, with what they fork in this very moment.
  if (existsSync(killFile)) return writeFileSync(killFile, '1');
  // 0 stands for a process of another PID namespace, and for this process group to kill(2).
  for (const pid of pids.filter((candidate) => candidate > 0)) killOne(pid);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // Busy until the last process is reaped: the next round tries again.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY' && !isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}
