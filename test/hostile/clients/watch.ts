import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../../resident-memory.ts';

/** What a program was like while something happened to it. */
export interface Watched {
  /** Maximum resident memory, bytes. */
  readonly maxResidentBytes: number;
  /** The longest time that the health page took to answer, or to fail, milliseconds. */
  readonly longestHealthMs: number;
  /** Requests for the health page without an answer of status 200. */
  readonly unhealthy: number;
  /** Requests for the health page. */
  readonly asked: number;
}

export interface WatchOptions {
  readonly pid: number;
  /** Of the program's web server, such as http://127.0.0.1:9401. */
  readonly url: string;
  /** Of the requests for the health page, such as a password. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Time between two looks, milliseconds. Default: 50. */
  readonly periodMs?: number;
}

/** Time after which a health page counts as failed, milliseconds. */
const PATIENCE_MS = 60_000;

/** Watches a program until `stop`, which resolves with what was seen; a last look is taken by then. */
export function watchProgram({ pid, url, headers = {}, periodMs = 50 }: WatchOptions): { stop(): Promise<Watched> } {
  const end = new AbortController();
  let [maxResidentBytes, longestHealthMs, unhealthy, asked] = [0, 0, 0, 0];
  const lookAtMemory = (): void => void (maxResidentBytes = Math.max(maxResidentBytes, residentNow(pid)));
  const lookAtHealth = async (): Promise<void> => {
    const startedMs = performance.now();
    asked++;
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
  const repeat = async (look: () => void | Promise<void>): Promise<void> => {
    while (!end.signal.aborted) {
      await look();
      await sleep(periodMs);
    }
    await look();
  };
  const watching = Promise.all([repeat(lookAtMemory), repeat(lookAtHealth)]);
  return {
    async stop() {
      end.abort();
      await watching;
      return { maxResidentBytes, longestHealthMs, unhealthy, asked };
    },
  };
}

/** 0 if it has ended. */
function residentNow(pid: number): number {
  try {
    return residentBytes(pid);
  } catch {
    return 0;
  }
}

/** Prints what was seen, such as `512 idle connections: RSS 180 MB, health 12 ms (0 of 40 failed)`. */
export function report(
  attack: string,
  { maxResidentBytes, longestHealthMs, unhealthy, asked }: Watched,
  to: NodeJS.WritableStream = process.stdout,
): void {
  const megabytes = (maxResidentBytes / 2 ** 20).toFixed(0);
  to.write(
    `${attack}: RSS ${megabytes} MB, health ${longestHealthMs.toFixed(0)} ms (${unhealthy} of ${asked} failed)\n`,
  );
}
