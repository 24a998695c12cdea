import type { Feature } from '../../features/features.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { bitsOf } from '../errors.ts';
import { mayBeGone, MIN_MISSING_STEPS, type Missing, type Returned } from './missing.ts';
import { Outages } from './outage.ts';
import { hasValues, lastSeen } from './presence.ts';
import { scoreOf, Streaks } from './streaks.ts';
import { sweptNamespaces } from './sweep.ts';

/** A service that is gone and belongs to the incident. */
export interface GoneService {
  readonly key: string;
  /** First step without current values. */
  readonly since: number;
  /** The score with which it vanished, or how much more than usual its callers' calls fail; above 1. */
  readonly score: number;
  /** The evidence that it is the root cause, bits. */
  readonly bits: number;
}

export interface GoneLimits {
  /** Steps for which a service that does not come back stays in the incident. */
  readonly keepSteps: number;
  /** The shortest window, steps: so long the values of a service that ends are odd. */
  readonly settleSteps: number;
  /** Number of gone services that are reported, those with the highest scores. */
  readonly max: number;
}

/** What is known about services without current values. */
export interface GoneEvidence {
  /** How much more than usual the calls to them fail, 1 at the bound of what is usual. */
  readonly failing: ReadonlyMap<string, number>;
  /** True for services that were removed on purpose. */
  readonly isRemoved: (key: string) => boolean;
  /** True for services that may be missing without having ended, and for jobs: only failing calls count. */
  readonly isExcused: (key: string) => boolean;
}

/** Limit of the score that failing calls give. */
const MAX_SCORE = 10;
/** Times `keepSteps` for which it is remembered that a service came back. */
const RETURN_PERIODS = 24;
/** Evidence against a service that is gone while calls to it fail: that of three features at their limit. */
const GONE_BITS = 3 * bitsOf(Infinity);

/**
 * Services that vanished while they were anomalous, or whose callers' calls fail since they vanished. They stay in the
 * incident until they are back, are removed on purpose, or the limit of time is reached. A service that vanishes
 * otherwise isn't an incident.
 */
export class GoneServices {
  readonly #limits: GoneLimits;
  readonly streaks: Streaks;
  readonly missing = new Map<string, Missing>();
  /** Services that vanished and came back, without being part of an incident. */
  readonly returned = new Map<string, Returned>();
  /** The services with current values, and the channel that these are in. */
  #present: ReadonlyMap<string, number> = new Map();
  #scored: ReadonlySet<string> = new Set();
  readonly #outages = new Outages();

  constructor(limits: GoneLimits) {
    this.#limits = limits;
    this.streaks = new Streaks(limits.settleSteps);
  }

  /** The gone services, those with the highest score first. */
  get current(): GoneService[] {
    return [...this.missing]
      .flatMap(([key, { seen, gone, streak }]): GoneService[] => {
        if (gone === undefined) return [];
        const bits = gone.failing ? GONE_BITS : Math.max(GONE_BITS, streak?.bits ?? 0);
        return [{ key, since: seen + 1, score: gone.score, bits }];
      })
      .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1))
      .slice(0, this.#limits.max);
  }

  /**
   * Finds the services without current values.
   *
   * @returns the keys of those that may be part of the incident; none of those that the store lacks most of, which none
   *   of them caused
   */
  observe(features: readonly Feature[], fleet: Fleet, step: number): ReadonlySet<string> {
    this.#forget(step);
    const absent = new Map<string, { readonly channel: number; readonly step: number }>();
    const present = new Map<string, number>();
    for (const [key, history] of fleet.services) {
      const before = this.missing.get(key);
      const seen =
        before === undefined
          ? lastSeen(features, history, step)
          : { channel: before.channel, step: hasValues(features, history, before.channel, step) ? step : before.seen };
      if (seen === undefined) continue;
      if (seen.step === step && this.#isJudged(key)) present.set(key, seen.channel);
      else absent.set(key, { ...seen, step: Math.min(seen.step, step - 1) });
    }
    this.#outages.update(this.#present, present, this.missing);
    const before = [...this.#present].filter(([key]) => this.#outages.covers(key));
    const measured = [...present].filter(([key]) => !this.#outages.covers(key));
    this.#present = new Map([...before, ...measured]);
    for (const [key] of measured) this.#comeBack(key, step);
    for (const [key, seen] of absent) if (!this.#outages.covers(key)) this.#miss(key, seen);
    for (const [key, one] of this.#judged)
      if (!absent.has(key)) this.missing.set(key, { ...one, steps: one.steps + 1 });
    return new Set(this.#judged.filter(([, one]) => mayBeGone(one)).map(([key]) => key));
  }

  /** Of the services without current values those that are part of the incident unless something excuses them. */
  suspects(failing: GoneEvidence['failing']): string[] {
    const isSuspect = (key: string, { gone, streak, seen }: Missing) =>
      gone !== undefined || this.streaks.endsAnomalous(streak, seen) || (failing.get(key) ?? 0) > 1;
    return this.#judged.filter(([key, one]) => isSuspect(key, one)).map(([key]) => key);
  }

  /** Decides which of the services without current values are part of the incident. */
  judge(step: number, { failing, isRemoved, isExcused }: GoneEvidence): void {
    const swept = sweptNamespaces(this.missing, this.#present);
    for (const [key, one] of this.#judged) {
      if (isRemoved(key)) {
        this.missing.set(key, { ...one, removed: true, gone: undefined });
        continue;
      }
      const calls = one.steps >= MIN_MISSING_STEPS ? Math.min(MAX_SCORE, failing.get(key) ?? 0) : 0;
      const mayCount = !isExcused(key) && !this.#comesAndGoes(key);
      const anomalous =
        mayCount && this.streaks.endsAnomalous(one.streak, one.seen) && !swept.explains(key, one.streak.from);
      const { gone } = one;
      const failingNow = calls > 1;
      const missedElsewhere = gone?.missedElsewhere === true || (failingNow && swept.explains(key, step));
      if (failingNow || anomalous) {
        const score = Math.max(calls, anomalous ? scoreOf(one.streak) : 0, gone?.score ?? 0);
        const now = { step: gone?.step ?? step, score, failing: failingNow, missedElsewhere };
        this.missing.set(key, { ...one, gone: now });
      } else if (gone !== undefined) {
        const retracted = !missedElsewhere && swept.explains(key, gone.step);
        this.missing.set(key, { ...one, gone: retracted ? undefined : { ...gone, failing: false } });
      }
    }
  }

  /**
   * Remembers this step's scores, for services that vanish at a later one. A service that was anomalous and has too few
   * values to be scored is gone at once. During an outage, the scores before it count.
   *
   * @param scores by service, whatever detector they are of
   * @param bits evidence by service in the ranking
   */
  remember(step: number, scores: ReadonlyMap<string, number>, bits: ReadonlyMap<string, number>): void {
    const isOut = (key: string) => this.#outages.covers(key);
    const before = [...this.#scored].filter(isOut);
    this.#scored = new Set([...before, ...[...scores.keys()].filter((key) => !isOut(key))]);
    for (const [key, score] of scores) {
      if (!isOut(key) && !this.missing.has(key)) this.streaks.extend(key, step, score, bits.get(key) ?? 0);
    }
    for (const [key, streak] of this.streaks.entries) {
      const channel = this.#present.get(key);
      if (isOut(key) || this.#isJudged(key) || channel === undefined || !this.streaks.endsAnomalous(streak, step - 1))
        continue;
      const gone = { step, score: scoreOf(streak), failing: false, missedElsewhere: false };
      this.#miss(key, { channel, step: step - 1 });
      this.missing.set(key, { ...this.missing.get(key)!, gone });
    }
    this.streaks.endBefore(step, isOut);
  }

  /** The services without current values that may be gone. */
  get #judged(): (readonly [string, Missing])[] {
    return [...this.missing].filter(([key, { removed }]) => removed !== true && !this.#outages.covers(key));
  }

  /**
   * False for a service that was anomalous, and had too few values to be scored at the last step. While nothing has been
   * scored, as after a restart, what was missing still is.
   */
  #isJudged(key: string): boolean {
    const known = this.streaks.get(key) ?? this.missing.get(key)?.streak;
    const unscored = this.#scored.size === 0 && !this.missing.has(key);
    return known === undefined || unscored || this.#scored.has(key);
  }

  #miss(key: string, { channel, step }: { readonly channel: number; readonly step: number }): void {
    const before = this.missing.get(key);
    const streak = before === undefined ? this.streaks.get(key) : before.streak;
    this.missing.set(key, { channel, seen: step, streak, ...before, steps: (before?.steps ?? 0) + 1 });
    this.streaks.delete(key);
  }

  #comeBack(key: string, step: number): void {
    const before = this.missing.get(key);
    if (before === undefined) return;
    this.missing.delete(key);
    if (before.gone !== undefined || before.steps < MIN_MISSING_STEPS) return;
    this.returned.set(key, { times: (this.returned.get(key)?.times ?? 0) + 1, last: step });
  }

  /** True for a service that vanished and came back more than once: it is likely to do so again. */
  #comesAndGoes(key: string): boolean {
    return (this.returned.get(key)?.times ?? 0) > 1;
  }

  /** Forgets what is too old, and everything if the clock was set back. */
  #forget(step: number): void {
    const { keepSteps } = this.#limits;
    for (const [key, { to }] of this.streaks.entries) if (to >= step) this.streaks.delete(key);
    for (const [key, one] of this.missing) {
      const { seen } = one;
      if (seen >= step) this.missing.delete(key);
      else if (seen < step - 2 * keepSteps) this.missing.delete(key);
      else if (seen < step - keepSteps) this.missing.set(key, { ...one, removed: true, gone: undefined });
    }
    for (const [key, { last }] of this.returned) {
      if (last >= step || last < step - RETURN_PERIODS * keepSteps) this.returned.delete(key);
    }
  }
}
