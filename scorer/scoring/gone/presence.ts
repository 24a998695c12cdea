import { columnIndex } from '../../features/columns.ts';
import { CHANNELS, type Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';

/** Where a service was last seen: in the shortest channel that it has in its recent history. */
export interface LastSeen {
  readonly channel: number;
  readonly step: number;
}

/**
 * Where a service was last seen, up to `step`. Only the shortest channel counts: longer windows still have values of a
 * service long after it has ended.
 *
 * @returns undefined if its history has no value
 */
export function lastSeen(features: readonly Feature[], history: History, step: number): LastSeen | undefined {
  for (let channel = 0; channel < CHANNELS.length; channel++) {
    for (let past = step; past > step - history.capacity; past--) {
      if (hasValues(features, history, channel, past)) return { channel, step: past };
    }
  }
  return history.newest === undefined ? undefined : { channel: 0, step: Math.min(step, history.newest) };
}

/** True if a service has a value in a channel at `step`. */
export function hasValues(features: readonly Feature[], history: History, channel: number, step: number): boolean {
  const from = columnIndex(features, channel, 0);
  return (
    history
      .row(step)
      ?.subarray(from, from + features.length)
      .some(Number.isFinite) === true
  );
}
