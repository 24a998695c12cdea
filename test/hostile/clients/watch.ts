import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../../resident-memory.ts';
import type { RunningProgram } from '../../running-program.ts';

/** What a program was like while something happened to it. */
export interface Watched {
  /** Maximum resident memory above that at the start, bytes. */
  readonly addedBytes: number;
  /** The longest block of its event loop, milliseconds; 0 below three, or if its loop is not watched. */
  readonly longestBlockMs: number;
  /** The longest time that the health page took to answer, or to fail, milliseconds. */
  readonly longestHealthMs: number;
  /** Requests for the health page without an answer of status 200. */
  readonly unhealthy: number;
}

export interface WatchOptions {
  /** Of the requests for the health page, such as a password. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Time between two requests for the health page, milliseconds. */
const PERIOD_MS = 50;
/** Time after which a health page counts as failed, milliseconds. */
const PATIENCE_MS = 60_000;

/** Watches a program until `stop`, which resolves with what was seen; a last look is taken by then. */
export function watchProgram(
  { pid, url, blocks }: RunningProgram,
  { headers = {} }: WatchOptions = {},
): { stop(): Promise<Watched> } {
  const end = new AbortController();
  const [residentBefore, blocksBefore] = [residentBytes(pid), blocks.length];
  let [longestHealthMs, unhealthy] = [0, 0];
  forgetPeak(pid);
  const lookAtHealth = async (): Promise<void> => {
    const startedMs = performance.now();
    const isHealthy = await fetch(`${url}/-/healthy`, {
      // A connection of its own each time, like that of a kubelet.
      headers: { ...headers, connection: 'close' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).then(
      async (answer) => (await answer.text()) !== '' && answer.status === 200,
      () => false,
    );
    if (!isHealthy) unhealthy++;
    longestHealthMs = Math.max(longestHealthMs, performance.now() - startedMs);
  };
  const watching = (async () => {
    while (!end.signal.aborted) {
      await lookAtHealth();
      await sleep(PERIOD_MS);
    }
    await lookAtHealth();
  })();
  return {
    async stop() {
      end.abort();
      await watching;
      return {
        addedBytes: peakBytes(pid) - residentBefore,
        longestBlockMs: Math.max(0, ...blocks.slice(blocksBefore)),
        longestHealthMs,
        unhealthy,
      };
    },
  };
}

/** The kernel's record of the maximum resident memory begins again. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Maximum resident memory in bytes since the record began. @throws Error if the process has ended */
function peakBytes(pid: number): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
