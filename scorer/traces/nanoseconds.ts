const NS_PER_MS = 1_000_000n;

/**
 * Milliseconds of nanoseconds since the epoch, to the quarter of a microsecond that a double has room for there.
 * `Number(ns) / 1e6` isn't that good: whole milliseconds wouldn't stay whole.
 */
export function millisecondsOf(ns: bigint): number {
  return Number(ns / NS_PER_MS) + Number(ns % NS_PER_MS) / 1e6;
}
