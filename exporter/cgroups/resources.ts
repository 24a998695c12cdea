import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { isAbsent, walkCgroups } from './cgroup.ts';

/** Enough for memory.stat; cgroup.procs may be longer and makes it grow. Reading is synchronous, so one serves all. */
let buffer = Buffer.allocUnsafeSlow(16 * 1024);

/**
 * Reads a file of the kernel's; undefined when it isn't there (any more). A tenth of readFileSync's garbage: a scrape
 * reads hundreds of them.
 */
function readIfThere(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0) return buffer.toString('latin1', 0, length);
      if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(length)]);
    }
  } catch (error) {
    // EOPNOTSUPP: cgroup.procs of a threaded cgroup, whose processes are listed by its domain.
    if (isAbsent(error) || (error as NodeJS.ErrnoException).code === 'EOPNOTSUPP') return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The number after `key ` in a flat keyed file such as cpu.stat. */
export function flatValue(text: string, key: string): number | undefined {
  const start = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  if (start === 0 && !text.startsWith(`${key} `)) return undefined;
  return Number.parseInt(text.slice(start + key.length + 1, start + key.length + 21), 10);
}

/** Seconds of CPU time that a cgroup and everything below it used; undefined when it is gone. */
export function cpuSeconds(folder: string): number | undefined {
  const text = readIfThere(`${folder}/cpu.stat`);
  const microseconds = text === undefined ? undefined : flatValue(text, 'usage_usec');
  return microseconds === undefined ? undefined : microseconds / 1e6;
}

/**
 * Bytes of memory of a cgroup and everything below it. Where the memory controller is on, the working set, as
 * Kubernetes defines it: what is charged, page cache included, without the cache that can be dropped first. Elsewhere
 * the resident memory of its processes, shared pages counted for each. Undefined when the cgroup is gone.
 *
 * @param version1 the folder of the same path in the memory controller's own hierarchy, where it has one
 */
export function memoryBytes(folder: string, version1?: string, procfs = '/proc'): number | undefined {
  // Asked first, because an error for each target and scrape would be dear.
  if (existsSync(`${folder}/memory.current`)) return workingSet(folder, 'memory.current', 'inactive_file');
  const processes = processesOf(folder);
  if (processes === undefined) return undefined;
  const charged =
    version1 !== undefined && sharesProcess(version1, processes)
      ? workingSet(version1, 'memory.usage_in_bytes', 'total_inactive_file')
      : undefined;
  return charged ?? residentBytes(processes, procfs);
}

function workingSet(folder: string, usageFile: string, inactiveKey: string): number | undefined {
  const usage = readIfThere(`${folder}/${usageFile}`);
  if (usage === undefined) return undefined;
  const inactive = flatValue(readIfThere(`${folder}/memory.stat`) ?? '', inactiveKey) ?? 0;
  return Math.max(0, Number(usage) - inactive);
}

/** Of a cgroup and everything below it; undefined when it is gone. */
function processesOf(folder: string): string[] | undefined {
  let all: string[] | undefined;
  for (const { path } of walkCgroups(folder)) {
    const processes = readIfThere(`${path}/cgroup.procs`);
    if (processes === undefined) continue;
    all ??= [];
    for (const pid of processes.split('\n')) if (pid !== '') all.push(pid);
  }
  return all;
}

/**
 * A path of the same name says that who made the one made the other, a process in both that it is used. Not all have to
 * be in both: some begin and end between the two readings.
 */
function sharesProcess(version1: string, processes: readonly string[]): boolean {
  if (!existsSync(version1)) return false;
  const charged = new Set(processesOf(version1));
  return processes.some((pid) => charged.has(pid));
}

function residentBytes(processes: readonly string[], procfs: string): number {
  // Size, then resident pages. A process may end between the two readings.
  const pages = processes.map((pid) => Number(readIfThere(`${procfs}/${pid}/statm`)?.split(' ')[1] ?? 0));
  return pages.reduce((sum, count) => sum + count, 0) * pageSize();
}

let knownPageSize: number | undefined;
const AT_PAGESZ = 6n;

/** Bytes of a page, from the auxiliary vector: 4096 on x86, up to 65536 on arm64. */
function pageSize(): number {
  if (knownPageSize !== undefined) return knownPageSize;
  const vector = readFileSync('/proc/self/auxv');
  const read = (offset: number) =>
    endianness() === 'LE' ? vector.readBigUInt64LE(offset) : vector.readBigUInt64BE(offset);
  for (let offset = 0; offset + 16 <= vector.length; offset += 16) {
    if (read(offset) === AT_PAGESZ) return (knownPageSize = Number(read(offset + 8)));
  }
  throw new Error('/proc/self/auxv has no page size');
}
