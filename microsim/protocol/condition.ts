import { setTimeout as sleep } from 'node:timers/promises';

const PERIOD_MS = 25;

/**
 * Polls until `check` returns anything but false, undefined or null. Returns undefined after `timeoutMs`,
 * or when `signal` aborts. An exception from `check` ends the wait.
 */
export async function waitFor<T>(
  check: () => T | Promise<T>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== false && value !== undefined && value !== null) return value;
    if (performance.now() >= deadline || signal?.aborted === true) return undefined;
    await sleep(PERIOD_MS);
  }
}
