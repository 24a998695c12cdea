import type { Replay } from './replay.ts';

/** Cycles above 1 until the shipped rule fires. */
export const DEBOUNCE_CYCLES = 2;

/** One firing of the alert for one service. */
export interface Alert {
  readonly key: string;
  /** First step above 1. */
  readonly onset: number;
  /** Step at which the alert fires: the second above 1 in a row. */
  readonly firing: number;
  /** Last step above 1. */
  readonly last: number;
}

/** Every run of at least two neighbouring steps above 1, in the order of firing. */
export function alertsOf({ steps, scores }: Replay): Alert[] {
  const alerts: Alert[] = [];
  for (const [key, values] of scores) {
    let onset: number | undefined;
    for (let index = 0; index <= steps.length; index++) {
      const step = steps[index];
      const follows = index > 0 && step === (steps[index - 1] ?? NaN) + 1;
      const above = (values[index] ?? NaN) > 1;
      if (onset !== undefined && (!above || !follows)) {
        const last = steps[index - 1] ?? onset;
        if (last - onset + 1 >= DEBOUNCE_CYCLES) {
          alerts.push({ key, onset, firing: onset + DEBOUNCE_CYCLES - 1, last });
        }
        onset = undefined;
      }
      if (above && step !== undefined) onset ??= step;
    }
  }
  return alerts.sort((a, b) => a.firing - b.firing || (a.key < b.key ? -1 : 1));
}
