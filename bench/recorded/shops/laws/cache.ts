/**
 * The share of a cache that is filled after some time. Requests for what isn't there fill it, so that what is missing halves
 * again and again: d(missing)/dt = -missing · rate / entries.
 *
 * @param filled share at the beginning, 0 to 1
 * @param entries that are asked for, all equally
 */
export function filledAfter(filled: number, rate: number, entries: number, seconds: number): number {
  return 1 - (1 - filled) * Math.exp((-rate * seconds) / entries);
}

/** Share of the requests that miss. @param passing share that is never cached */
export function missShare(filled: number, passing: number): number {
  return passing + (1 - passing) * (1 - filled);
}
