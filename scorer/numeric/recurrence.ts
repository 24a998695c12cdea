/** What recurs happens so often in a period ... */
const MIN_EPISODES = 5;
/** ... each time at least this share of the period after the last time. */
const MIN_DISTANCE_SHARE = 1 / 12;
/** Steps between two that belong to the same episode. */
const MAX_GAP = 5;
/** In a shorter period nothing can be told to recur. */
const MIN_STEPS = 60;

/**
 * True if some steps are spread over a period, so that what happens at them is how a service lives: a job, a burst, a
 * collection of garbage. An incident is in one part of the period, however long it takes and however often it flaps there.
 *
 * @param steps ascending
 * @param from first step of the period
 * @param to last step of the period, included
 */
export function recurs(steps: Iterable<number>, from: number, to: number): boolean {
  const length = to - from + 1;
  if (length < MIN_STEPS) return false;
  let [episodes, begun, last] = [0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const step of steps) {
    if (step < from || step > to) continue;
    const isNew = step - last > MAX_GAP;
    last = step;
    if (!isNew || step - begun < MIN_DISTANCE_SHARE * length) continue;
    begun = step;
    episodes++;
  }
  return episodes >= MIN_EPISODES;
}

/** A value at a step. */
export interface StepValue {
  readonly step: number;
  readonly value: number;
}

/** Ratio between the numbers of steps that are tried. */
const RANK_RATIO = 1.25;

/**
 * About the largest value that is reached again and again: looked for from the largest values down.
 *
 * @param values ascending by step
 * @returns NaN if none recurs
 */
export function recurringMagnitude(values: readonly StepValue[], from: number, to: number): number {
  const descending = values.map(({ value }) => value).filter(Number.isFinite);
  descending.sort((a, b) => b - a);
  for (let rank = MIN_EPISODES; rank <= descending.length; rank = Math.ceil(rank * RANK_RATIO)) {
    const magnitude = descending[rank - 1]!;
    const reached = values.filter(({ value }) => value >= magnitude).map(({ step }) => step);
    if (recurs(reached, from, to)) return magnitude;
  }
  return NaN;
}
