import type { Arrivals } from './arrivals.ts';

/**
 * Longest delay. A score has the time of its step: Prometheus' queries, which look back five minutes, must still find it
 * when the next one comes.
 */
export const MAX_DELAY_MS = 180_000;
/** Share of the interval to wait until features are known to need more. */
export const DEFAULT_DELAY_SHARE = 0.1;
/** Share of the interval to which a delay is rounded up, and that it is longer than what was needed. */
const STEP_SHARE = 0.05;
/** Cycles that are looked back on, and how many of them must have had late values. */
const RECENT_CYCLES = 5;
const MIN_LATE_CYCLES = 3;
/** First cycles, of which one with late values is enough. */
const FIRST_CYCLES = 3;

/** What a cycle's arrivals mean for the delay. */
export type DelayVerdict =
  /** Values came in time, or late too rarely to say so. */
  | 'enough'
  /** The delay was raised to what would have been enough. */
  | 'raised'
  /** The configured delay is shorter than what would be enough. */
  | 'too_short'
  /** Values come later than the longest delay. */
  | 'beyond_limit';

/**
 * The time from the end of a step to its cycle. A configured delay stays as it is. Otherwise the store decides: the delay
 * starts at a tenth of the interval, and is raised when features keep coming later than that. It is never shortened, as
 * one that is too long costs less than a score without features.
 */
export class FeatureDelay {
  readonly #intervalMs: number;
  readonly #isConfigured: boolean;
  #ms: number;
  #recent: Arrivals[] = [];
  #judged = 0;
  #isLate = false;

  /** @param configuredMs from scorer.yaml; undefined: found */
  constructor(intervalMs: number, configuredMs: number | undefined) {
    this.#intervalMs = intervalMs;
    this.#isConfigured = configuredMs !== undefined;
    this.#ms = configuredMs ?? DEFAULT_DELAY_SHARE * intervalMs;
  }

  get ms(): number {
    return this.#ms;
  }

  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  /** The largest lateness of the last cycles, milliseconds. */
  get latenessMs(): number {
    return Math.max(0, ...this.#recent.map(({ latenessMs }) => latenessMs));
  }

  /** The delay that would have been enough for the last cycles, milliseconds; the current one if it was. */
  get sufficientMs(): number {
    const needed = Math.max(0, ...this.#recent.map(({ sufficientDelayMs }) => sufficientDelayMs));
    const step = STEP_SHARE * this.#intervalMs;
    return needed === 0 ? this.#ms : Math.max(this.#ms, Math.ceil(needed / step + 1) * step);
  }

  /** Takes the arrivals of one cycle. */
  observe(arrivals: Arrivals): DelayVerdict {
    this.#recent = [...this.#recent, arrivals].slice(-RECENT_CYCLES);
    this.#judged++;
    const late = this.#recent.filter(({ latenessMs }) => latenessMs > 0).length;
    // The first cycles come right after the start: waiting for more of them would lose their scores.
    const isFirst = this.#judged <= FIRST_CYCLES && arrivals.latenessMs > 0;
    if (late >= MIN_LATE_CYCLES || isFirst) this.#isLate = true;
    else if (late === 0) this.#isLate = false;
    const needed = this.sufficientMs;
    if (!this.#isLate || needed <= this.#ms) return 'enough';
    if (this.#isConfigured) return needed > MAX_DELAY_MS ? 'beyond_limit' : 'too_short';
    if (needed > MAX_DELAY_MS) {
      this.#ms = MAX_DELAY_MS;
      return 'beyond_limit';
    }
    this.#ms = needed;
    // What was late with the old delay says nothing about the new one.
    this.#recent = [];
    this.#isLate = false;
    return 'raised';
  }
}
