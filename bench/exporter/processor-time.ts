import { readFileSync } from 'node:fs';

/** Milliseconds of processor time that a process has used since it began. */
export interface ProcessorTime {
  readonly user: number;
  readonly system: number;
}

/** The kernel tells them in hundredths of a second on every architecture (USER_HZ). */
const TICK_MS = 10;
/** utime and stime, counted from the field after the program's name. */
const USER = 11;
const SYSTEM = 12;

/** From the text of /proc/<pid>/stat. A program's name may hold anything, brackets and blanks too. */
export function parseProcessorTime(stat: string): ProcessorTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[USER]) * TICK_MS, system: Number(fields[SYSTEM]) * TICK_MS };
}

/** Of all threads, also of those that have ended. */
export function processorTime(pid: number): ProcessorTime {
  return parseProcessorTime(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
