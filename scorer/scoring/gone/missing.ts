import type { Streak } from './streaks.ts';

/** A service without current values. */
export interface Missing {
  readonly channel: number;
  readonly seen: number;
  /** Steps without values, except those of outages. */
  readonly steps: number;
  /** Its anomaly when it was last seen. */
  readonly streak?: Streak | undefined;
  /** It was removed on purpose. */
  readonly removed?: boolean | undefined;
  /** It is part of the incident. */
  readonly gone?: Gone | undefined;
}

/** The part that it has in the incident. */
interface Gone {
  /** The step at which it became part of the incident. */
  readonly step: number;
  readonly score: number;
  /** Calls to it fail. */
  readonly failing: boolean;
  /** Calls failed when no service of its namespace was left. */
  readonly missedElsewhere: boolean;
}

/** How often a service came back after it had vanished without harm. */
export interface Returned {
  readonly times: number;
  readonly last: number;
}

/** Steps without values after which failing calls make a service gone: a rule may be late once. */
export const MIN_MISSING_STEPS = 2;

/** True if a service was anomalous when it vanished, or has been missing long enough for failing calls to count. */
export function mayBeGone({ steps, streak }: Missing): boolean {
  return streak !== undefined || steps >= MIN_MISSING_STEPS;
}
