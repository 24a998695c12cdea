/** Consecutive steps at which a service was anomalous. */
export interface Streak {
  readonly from: number;
  readonly to: number;
  /** The last scores, oldest first: those of an ending service and one more. */
  readonly scores: readonly number[];
  /** The last evidence against the service in the ranking, bits. */
  readonly bits: number;
}

/** Steps that an anomaly lasts before its alert fires. */
const MIN_STEPS = 2;

/**
 * The services that are anomalous now, by key.
 *
 * The last values of a service that ends are odd: rates over the shortest window cover a part of it only. For as long as
 * that window, an anomaly may pause before the service vanishes, and one that begins then doesn't count.
 */
export class Streaks {
  readonly #current = new Map<string, Streak>();
  readonly #settleSteps: number;

  /** @param settleSteps the shortest window, steps */
  constructor(settleSteps: number) {
    this.#settleSteps = settleSteps;
  }

  get entries(): Iterable<[string, Streak]> {
    return this.#current;
  }

  get size(): number {
    return this.#current.size;
  }

  get(key: string): Streak | undefined {
    return this.#current.get(key);
  }

  set(key: string, streak: Streak): void {
    this.#current.set(key, streak);
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  /** Continues a service's streak, or begins one. */
  extend(key: string, step: number, score: number, bits: number): void {
    if (score <= 1) return;
    const before = this.#current.get(key);
    const scores = [...(before?.scores ?? []), score].slice(-this.#settleSteps - 1);
    this.#current.set(key, { from: before?.from ?? step, to: step, scores, bits });
  }

  /** Ends the streaks that have paused for too long, except those that are kept. */
  endBefore(step: number, isKept: (key: string) => boolean): void {
    for (const [key, { to }] of this.#current)
      if (to < step - this.#settleSteps && !isKept(key)) this.#current.delete(key);
  }

  /** True if a service that was last seen at `seen` was anomalous before it ended, long enough for an alert. */
  endsAnomalous(streak: Streak | undefined, seen: number): streak is Streak {
    if (streak === undefined || seen - streak.to > this.#settleSteps) return false;
    return Math.min(streak.to, seen - this.#settleSteps) - streak.from + 1 >= MIN_STEPS;
  }
}

/** The score with which a service vanished. */
export function scoreOf({ scores }: Streak): number {
  return Math.max(...scores);
}
