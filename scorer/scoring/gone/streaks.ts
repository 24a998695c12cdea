/** Consecutive steps at which a service was anomalous. */
export interface Streak {
  readonly from: number;
  readonly to: number;
  /** The larger one of the last two scores: the last one may be measured while the service ends. */
  readonly score: number;
  /** The last score. */
  readonly last: number;
  /** The last evidence against the service in the ranking, bits. */
  readonly bits: number;
}

/** Steps that an anomaly lasts before its alert fires, so that the blip of an ordinary shutdown isn't one. */
const MIN_STEPS = 2;
/** Steps by which an anomaly may end before the service vanishes: the last step may have few values. */
const MAX_PAUSE = 1;

/** The services that are anomalous now, by key. */
export class Streaks {
  #current = new Map<string, Streak>();

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

  clear(): void {
    this.#current.clear();
  }

  /** Continues a service's streak, or begins one. */
  extend(key: string, step: number, score: number, bits: number): void {
    if (score <= 1) return;
    const before = this.#current.get(key);
    const last = before === undefined ? score : Math.max(score, before.last);
    this.#current.set(key, { from: before?.from ?? step, to: step, score: last, last: score, bits });
  }

  /** Ends the streaks of services that were last anomalous before the step before `step`. */
  endBefore(step: number): void {
    for (const [key, { to }] of this.#current) if (to < step - MAX_PAUSE) this.#current.delete(key);
  }
}

/** True if a service that was last seen at `seen` was anomalous then, long enough for an alert. */
export function endsAnomalous(streak: Streak | undefined, seen: number): streak is Streak {
  return streak !== undefined && streak.to - streak.from + 1 >= MIN_STEPS && seen - streak.to <= MAX_PAUSE;
}
