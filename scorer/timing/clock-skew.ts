import type { ClockReading } from '../prometheus/client.ts';

/** Skew from which the clocks count as different, milliseconds. */
export const MAX_CLOCK_SKEW_MS = 5000;

/**
 * How far the server's clock is ahead of the scorer's, at least; negative: behind. 0 while the reading is compatible with
 * equal clocks: `Date` is in whole seconds, and was written at some time between request and response.
 */
export function clockSkewMs({ sentMs, receivedMs, serverMs }: ClockReading): number {
  const [least, most] = [serverMs - receivedMs, serverMs + 999 - sentMs];
  if (least > 0) return least;
  return most < 0 ? most : 0;
}
