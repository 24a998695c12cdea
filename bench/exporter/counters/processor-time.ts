import { readFileSync } from 'node:fs';

/** CPU time of a process since its start, in milliseconds. */
export interface ProcessorTime {
  readonly user: number;
  readonly system: number;
}

/** The kernel's unit on every architecture is 10 ms (USER_HZ). */
const TICK_MS = 10;
/** Indices of utime and stime after the program's name. */
const USER = 11;
const SYSTEM = 12;

/** From the text of /proc/<pid>/stat. The program's name may have any characters, including parentheses and spaces. */
export function parseProcessorTime(stat: string): ProcessorTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[USER]) * TICK_MS, system: Number(fields[SYSTEM]) * TICK_MS };
}

/** Of all threads, including those that have ended. */
export function processorTime(pid: number): ProcessorTime {
  return parseProcessorTime(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
