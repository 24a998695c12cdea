import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import { waitFor } from '../protocol/condition.ts';

/** cgroups cannot be used as required; the message has the reason. */
export class CgroupError extends Error {
  readonly code = 'CGROUP';
  override readonly name = 'CgroupError';
}

/** Mount point of cgroup2. @throws CgroupError */
export function findCgroupMount(mounts?: string): string {
  const path = cgroupMount(mounts);
  if (path === undefined) throw new CgroupError('no cgroup2 file system is mounted');
  return path;
}

/** @throws CgroupError if cgroup2 is read-only or this user may not write. */
export function createCgroup(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new CgroupError(`${path}: cannot create (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

/** The cgroup2 in which this process was started. */
export function ownCgroup(): string {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('0::'));
  const path = line?.slice('0::'.length) ?? '/';
  // Outside of the root of this cgroup namespace: use the root.
  return join(findCgroupMount(), path.startsWith('/..') ? '/' : path);
}

/** Enables the available controllers that account memory and CPU by child. */
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

/** The processes in the cgroup, without those below; none if the cgroup does not exist. */
export function processesIn(path: string): number[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The cgroup and those below, children first; none if the cgroup does not exist. */
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
 * Kills every process in the cgroup and below, including those that they fork in the meantime, and removes the cgroup.
 * Does nothing if it does not exist.
 *
 * @throws CgroupError if processes are left after `timeoutMs`.
 */
export async function removeCgroup(path: string, timeoutMs = 10_000): Promise<void> {
  const removed = await waitFor(() => {
    killAll(path);
    for (const cgroup of cgroupTree(path)) removeEmpty(cgroup);
    return cgroupTree(path).length === 0;
  }, timeoutMs);
  if (removed === true) return;
  const pids = cgroupTree(path).flatMap(processesIn);
  throw new CgroupError(`${path}: cannot remove, ${pids.length} processes left (${pids.join(' ')})`);
}

function killAll(path: string): void {
  const pids = cgroupTree(path).flatMap(processesIn);
  if (pids.includes(process.pid))
    throw new CgroupError(`${path}: refusing to kill process ${process.pid}, which is this process`);
  if (pids.length === 0) return;
  const killFile = join(path, 'cgroup.kill');
  // Linux 5.14 and later: all processes at once, including those being forked.
  if (existsSync(killFile)) return writeFileSync(killFile, '1');
  // 0 is a process of another PID namespace; to kill(2) it means this process group.
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
    // EBUSY until the last process is reaped: the next round retries.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY' && !isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}
