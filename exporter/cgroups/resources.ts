import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { isAbsent, walkCgroups } from './cgroup.ts';

/**
 * Bytes. Enough for memory.stat; a longer cgroup.procs makes it grow. Reads are synchronous, so one buffer is enough.
 */
let buffer = Buffer.allocUnsafeSlow(16 * 1024);

/**
 * Reads a file in /proc or /sys; undefined if it does not exist. Makes a tenth of the garbage of readFileSync: a scrape
 * reads hundreds of files.
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
    // EOPNOTSUPP: cgroup.procs of a threaded cgroup. Its domain cgroup lists the processes.
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

/** CPU time in seconds used by a cgroup and everything below it; undefined if the cgroup is gone. */
export function cpuSeconds(folder: string): number | undefined {
  const text = readIfThere(`${folder}/cpu.stat`);
  const microseconds = text === undefined ? undefined : flatValue(text, 'usage_usec');
  return microseconds === undefined ? undefined : microseconds / 1e6;
}

/**
 * Memory in bytes of a cgroup and everything below it; undefined if the cgroup is gone. With the memory controller: the
 * working set as defined by Kubernetes, i.e. charged memory without inactive page cache. Without it: the resident
 * memory of the processes, with shared pages counted for each process.
 *
 * @param version1 the directory of the same path in the memory controller's own hierarchy, if it has one
 */
export function memoryBytes(folder: string, version1?: string, procfs = '/proc'): number | undefined {
  // Checked first: an exception for each target and scrape would be slow.
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

/** Processes of a cgroup and everything below it; undefined if the cgroup is gone. */
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
 * A cgroup of the same path in the other hierarchy has the same creator, and is in use if the two share a process. They
 * need not share all: processes start and end between the two reads.
 */
function sharesProcess(version1: string, processes: readonly string[]): boolean {
  if (!existsSync(version1)) return false;
  const charged = new Set(processesOf(version1));
  return processes.some((pid) => charged.has(pid));
}

function residentBytes(processes: readonly string[], procfs: string): number {
  // The first field is the size, the second the resident pages. The process may have ended since it was listed.
  const pages = processes.map((pid) => Number(readIfThere(`${procfs}/${pid}/statm`)?.split(' ')[1] ?? 0));
  return pages.reduce((sum, count) => sum + count, 0) * pageSize();
}

let knownPageSize: number | undefined;
const AT_PAGESZ = 6n;

/** Page size in bytes, from the auxiliary vector: 4096 on x86, up to 65536 on arm64. */
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
