import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const FOLDER = '/sys/kernel/tracing';

/** Runs `work` with tracefs mounted, which the peers need for their tracepoint; Lorikeet does not. */
export async function withTracefs<T>(work: () => Promise<T>): Promise<T> {
  if (existsSync(`${FOLDER}/events`)) return work();
  execFileSync('mount', ['-t', 'tracefs', 'tracefs', FOLDER]);
  try {
    return await work();
  } finally {
    execFileSync('umount', [FOLDER]);
  }
}
