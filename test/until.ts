import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Default: 10 s. */
  readonly timeoutMs?: number;
  /** Default: 10 ms. */
  readonly periodMs?: number;
  /** What an error adds: what was seen instead. */
  readonly seen?: () => string;
}

/** Polls until `condition` gives a value other than undefined or false. @throws Error that names `what` */
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
