import type { Replay } from './replay.ts';

/** How many of the last cycles have to be above 1 for an alert to fire. */
export interface Debounce {
  readonly above: number;
  readonly of: number;
}

/** What the shipped rule asks for: two in a row. */
export const DEBOUNCE: Debounce = { above: 2, of: 2 };

/** One firing of the alert for one service. */
export interface Alert {
  readonly key: string;
  /** First step above 1 of those that made it fire. */
  readonly onset: number;
  /** Step at which the alert fires. */
  readonly firing: number;
  /** Last step at which it is on. */
  readonly last: number;
}

/** Every alert, in the order of firing. A step that wasn't replayed ends whatever was on. */
export function alertsOf({ steps, scores }: Replay, debounce: Debounce = DEBOUNCE): Alert[] {
  const alerts = [...scores].flatMap(([key, values]) =>
    stretches(steps).flatMap(([from, to]) => alertsIn(key, steps.slice(from, to), values.subarray(from, to), debounce)),
  );
  return alerts.sort((a, b) => a.firing - b.firing || (a.key < b.key ? -1 : 1));
}

/** Neighbouring steps, as pairs of indexes: the first and the one after the last. */
function stretches(steps: readonly number[]): [number, number][] {
  const starts = [...steps.keys()].filter((index) => steps[index] !== (steps[index - 1] ?? NaN) + 1);
  return starts.map((start, index) => [start, starts[index + 1] ?? steps.length]);
}

function alertsIn(key: string, steps: readonly number[], values: Float64Array, { above, of }: Debounce): Alert[] {
  const alerts: Alert[] = [];
  let on: Alert | undefined;
  for (const [index, step] of steps.entries()) {
    const queue = steps.slice(Math.max(0, index - of + 1), index + 1);
    const loud = queue.filter((_, back) => (values[index - queue.length + 1 + back] ?? NaN) > 1);
    if (loud.length < above) on = undefined;
    else if (on !== undefined) alerts[alerts.length - 1] = on = { ...on, last: step };
    else alerts.push((on = { key, onset: loud[0] ?? step, firing: step, last: step }));
  }
  return alerts;
}
