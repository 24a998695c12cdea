import { readFileSync } from 'node:fs';

/** Resident memory of a process in bytes, as counted by the kernel. @throws Error if it has ended */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
