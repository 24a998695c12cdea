import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Default: 10 s. */
  readonly timeoutMs?: number;
  /** Default: 10 ms. */
  readonly periodMs?: number;
  /** The current state, for the error message. */
  readonly seen?: () => string;
}

/** Polls until `condition` returns a value other than undefined or false. @throws Error naming `what` on timeout */
export async function until<T>(
  what: string,
  condition: () => T | undefined | Promise<T | undefined>,
  { timeoutMs = 10_000, periodMs = 10, seen = () => '' }: UntilOptions = {},
): Promise<Exclude<T, false>> {
  for (const deadline = Date.now() + timeoutMs; ;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value as Exclude<T, false>;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what} ${seen()}`.trimEnd());
    await sleep(periodMs);
  }
}

/**
 * Polls until `holds` is true for the result of `read`, and returns it. @throws Error with the last result on timeout
 */
export async function untilValue<T>(
  what: string,
  read: () => T | Promise<T>,
  holds: (value: T) => boolean,
  { seen = () => '', ...options }: UntilOptions = {},
): Promise<T> {
  let last: T | undefined;
  const attempt = async () => {
    const value = (last = await read());
    return holds(value) ? { value } : undefined;
  };
  const shown = () => JSON.stringify([last instanceof Map ? [...last] : last]).slice(0, 500);
  return (await until(what, attempt, { ...options, seen: () => `, last ${shown()}\n${seen()}` })).value;
}
