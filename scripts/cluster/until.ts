import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;

export interface UntilOptions {
  readonly seconds: number;
  /** Called between attempts; what it throws ends the wait. */
  readonly check?: () => void;
}

/**
 * Tries until an attempt neither throws nor returns undefined or false, and resolves with its value.
 *
 * @throws Error after `seconds`, with the error of the last attempt as its cause
 */
export async function until<Value>(
  what: string,
  { seconds, check }: UntilOptions,
  attempt: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    check?.();
    let cause: unknown;
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`, { cause });
    await sleep(POLL_MS);
  }
}
