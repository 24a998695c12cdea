import { median } from '../numeric/statistics.ts';

/** What one cycle showed of the arrival of features, milliseconds. */
export interface Arrivals {
  /** Age of the oldest value that the cycle before asked for in vain, at that time; 0 if no value came late. */
  readonly latenessMs: number;
  /** A delay with which that value would have been there; 0 if no value came late. */
  readonly sufficientDelayMs: number;
  /** Number of values that were missing at their step and came later. */
  readonly lateValues: number;
  /** Time between two evaluations of the rules; undefined until two were seen. */
  readonly ruleIntervalMs: number | undefined;
}

export const NO_ARRIVALS: Arrivals = { latenessMs: 0, sufficientDelayMs: 0, lateValues: 0, ruleIntervalMs: undefined };

/** The arrivals of several queries of one cycle. */
export function joinArrivals(all: readonly Arrivals[]): Arrivals {
  const largest = (of: (one: Arrivals) => number) => Math.max(0, ...all.map(of));
  const intervals = all.flatMap(({ ruleIntervalMs }) => ruleIntervalMs ?? []);
  return {
    latenessMs: largest((one) => one.latenessMs),
    sufficientDelayMs: largest((one) => one.sufficientDelayMs),
    lateValues: all.reduce((sum, { lateValues }) => sum + lateValues, 0),
    ruleIntervalMs: intervals.length === 0 ? undefined : Math.max(...intervals),
  };
}

/** A rule that is evaluated as often as the scorer runs is now and then a little late. */
export const RULE_INTERVAL_TOLERANCE = 1.05;

/** A sample that the query before should have returned is late by at least this, or its clock is a bit off. */
const MIN_LATENESS_MS = 1;

/** Largest ages at the last query, milliseconds. */
interface Late {
  /** Of an evaluation that it lacked, and of the newest one of that rule that it had. */
  readonly ruleMs: number;
  readonly visibleMs: number;
  /** Of a value that filled a gap, and the number of these. */
  readonly gapMs: number;
  readonly gaps: number;
}

const NOTHING_LATE: Late = { ruleMs: 0, visibleMs: 0, gapMs: 0, gaps: 0 };

/**
 * Finds values that come after the query for their time. All series of a rule have the timestamps of its evaluations: an
 * evaluation that is older than the last query, and wasn't in its answer, was late. Values that fill a gap in a single
 * service's history are late too, though others of the same rule were in time.
 *
 * @example
 * log.asked(Date.now(), step * intervalMs);
 * for (const series of answer) log.see(`${feature} ${channel}`, series.timestamps);
 * const { latenessMs } = log.answered();
 */
export class ArrivalLog {
  /** The newest timestamp of each rule, in the answers up to the one before. */
  readonly #newest = new Map<string, number>();
  /** The same in this answer, with the usual time between two evaluations. */
  #answer = new Map<string, { newest: number; intervalMs: number }>();
  #asked: { readonly atMs: number; readonly untilMs: number } | undefined;
  #last: { readonly atMs: number; readonly untilMs: number } | undefined;
  #late = NOTHING_LATE;
  #ruleIntervalMs: number | undefined;

  /**
   * A query is sent.
   *
   * @param atMs the scorer's clock
   * @param untilMs end of the time that it asks for
   */
  asked(atMs: number, untilMs: number): void {
    this.#asked = { atMs, untilMs };
    this.#answer = new Map();
    this.#late = NOTHING_LATE;
  }

  /** The answer has a series of a rule, with ascending timestamps. */
  see(rule: string, timestamps: Float64Array): void {
    const newest = timestamps.at(-1);
    if (newest === undefined) return;
    const known = this.#answer.get(rule);
    if (known === undefined) this.#answer.set(rule, { newest, intervalMs: usualGap(timestamps) });
    else if (newest > known.newest) known.newest = newest;
    const before = this.#newest.get(rule);
    if (before === undefined || newest <= before) return;
    const latenessMs = this.#latenessMs(timestamps.find((timestamp) => timestamp > before) ?? Infinity);
    if (latenessMs === 0) return;
    const { ruleMs, visibleMs } = this.#late;
    const ageMs = this.#last!.atMs - before;
    this.#late = { ...this.#late, ruleMs: Math.max(ruleMs, latenessMs), visibleMs: Math.max(visibleMs, ageMs) };
  }

  /** A value fills a gap at a step that an earlier query had asked for. */
  seeGapFilled(timestampMs: number): void {
    const { gaps, gapMs } = this.#late;
    this.#late = { ...this.#late, gaps: gaps + 1, gapMs: Math.max(gapMs, this.#latenessMs(timestampMs)) };
  }

  /** The query was answered as a whole. */
  answered(): Arrivals {
    const { ruleMs, visibleMs, gapMs, gaps } = this.#late;
    const intervals = [...this.#answer].flatMap(([rule, { newest, intervalMs }]) => {
      const gap = Number.isFinite(intervalMs) ? intervalMs : newest - (this.#newest.get(rule) ?? newest);
      return gap > 0 ? [gap] : [];
    });
    if (intervals.length > 0) this.#ruleIntervalMs = median(intervals);
    for (const [rule, { newest }] of this.#answer) this.#newest.set(rule, newest);
    this.#last = this.#asked;
    const ruleIntervalMs = this.#ruleIntervalMs ?? 0;
    // An evaluation that had arrived bounds how late they come; one long ago, before a pause of the rules, says less.
    const byRule = ruleMs === 0 ? 0 : Math.min(visibleMs, ruleMs + 2 * ruleIntervalMs);
    const byGap = gapMs === 0 ? 0 : gapMs + ruleIntervalMs;
    return {
      latenessMs: Math.max(ruleMs, gapMs),
      sufficientDelayMs: Math.max(byRule, byGap),
      lateValues: gaps,
      ruleIntervalMs: this.#ruleIntervalMs,
    };
  }

  /**
   * Time up to which every rule's evaluations have arrived; rules without one since `sinceMs` are left out, as they may
   * have ended. Undefined if there is no other.
   */
  completeUntilMs(sinceMs: number): number | undefined {
    const alive = [...this.#newest.values()].filter((newest) => newest > sinceMs);
    return alive.length === 0 ? undefined : Math.min(...alive);
  }

  /** Forgets everything, as after the clock was set back. */
  clear(): void {
    this.#newest.clear();
    this.#last = undefined;
  }

  /** Age of a value at the last query, if that asked for it in vain; else 0. */
  #latenessMs(timestampMs: number): number {
    if (this.#last === undefined || timestampMs > this.#last.untilMs) return 0;
    const latenessMs = this.#last.atMs - timestampMs;
    return latenessMs < MIN_LATENESS_MS ? 0 : latenessMs;
  }
}

/** The median time between two timestamps; infinite if there is one. */
function usualGap(timestamps: Float64Array): number {
  const gaps = Array.from(timestamps.subarray(1), (timestamp, at) => timestamp - (timestamps[at] ?? NaN));
  return gaps.length === 0 ? Infinity : median(gaps);
}
