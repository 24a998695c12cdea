const NS_PER_MS = 1_000_000n;

/**
 * Converts nanoseconds to milliseconds. Since the epoch, a double has a resolution of a quarter of a microsecond;
 * `Number(ns) / 1e6` has less, so that whole milliseconds would not stay whole.
 */
export function millisecondsOf(ns: bigint): number {
  return Number(ns / NS_PER_MS) + Number(ns % NS_PER_MS) / 1e6;
}
