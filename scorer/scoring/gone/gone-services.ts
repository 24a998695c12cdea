import type { Feature } from '../../features/features.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { bitsOf } from '../errors.ts';
import { isOutage } from './outage.ts';
import { hasValues, lastSeen } from './presence.ts';
import { endsAnomalous, type Streak, Streaks } from './streaks.ts';
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
  /** The step at which it became part of the incident, and its score there. */
  readonly gone?: { readonly step: number; readonly score: number; readonly failing: boolean } | undefined;
}

/** Steps without values after which failing calls make a service gone: a rule may be late once. */
const MIN_MISSING_STEPS = 2;
/** Limit of the score that failing calls give. */
const MAX_SCORE = 10;
/** Times `keepSteps` for which a service that came back is expected to vanish again. */
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
  readonly streaks = new Streaks();
  readonly missing = new Map<string, Missing>();
  /** Services that vanished and came back before, without being part of an incident: they may do so again. */
  readonly returned = new Map<string, number>();
  #present: ReadonlySet<string> = new Set();
  #scored: ReadonlySet<string> = new Set();
  #outage = 0;

  constructor(limits: GoneLimits) {
    this.#limits = limits;
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
   * @returns the keys of those that may be part of the incident; none while the store lacks most services, which none of
   *   them caused
   */
  observe(features: readonly Feature[], fleet: Fleet, step: number): ReadonlySet<string> {
    this.#forget(step);
    const absent = new Map<string, { readonly channel: number; readonly step: number }>();
    const present = new Set<string>();
    for (const [key, history] of fleet.services) {
      const before = this.missing.get(key);
      const seen =
        before === undefined
          ? lastSeen(features, history, step)
          : { channel: before.channel, step: hasValues(features, history, before.channel, step) ? step : before.seen };
      if (seen === undefined) continue;
      if (seen.step === step && this.#isJudged(key)) present.add(key);
      else absent.set(key, { ...seen, step: Math.min(seen.step, step - 1) });
    }
    this.#outage = isOutage(this.#present, present, this.missing, this.#outage) ? this.#outage + 1 : 0;
    if (this.#outage > 0) return new Set();
    this.#present = present;
    for (const key of present) this.#comeBack(key, step);
    for (const [key, seen] of absent) this.#miss(key, seen);
    for (const [key, one] of this.missing)
      if (!absent.has(key)) this.missing.set(key, { ...one, steps: one.steps + 1 });
    return new Set([...this.missing].filter(([, one]) => one.removed !== true && mayBeGone(one)).map(([key]) => key));
  }

  /** Of the services without current values those that are part of the incident unless something excuses them. */
  suspects(failing: GoneEvidence['failing']): string[] {
    const isSuspect = (key: string, { gone, streak, seen }: Missing) =>
      gone !== undefined || endsAnomalous(streak, seen) || (failing.get(key) ?? 0) > 1;
    return [...this.missing].filter(([key, one]) => one.removed !== true && isSuspect(key, one)).map(([key]) => key);
  }

  /** Decides which of the services without current values are part of the incident. */
  judge(step: number, { failing, isRemoved, isExcused }: GoneEvidence): void {
    const swept = sweptNamespaces(this.missing, this.#present);
    for (const [key, one] of this.missing) {
      if (one.removed === true) continue;
      if (isRemoved(key)) {
        this.missing.set(key, { ...one, removed: true, gone: undefined });
        continue;
      }
      const calls = one.steps >= MIN_MISSING_STEPS ? Math.min(MAX_SCORE, failing.get(key) ?? 0) : 0;
      const mayCount = !isExcused(key) && !this.returned.has(key);
      const anomalous = mayCount && endsAnomalous(one.streak, one.seen) && !swept.explains(key, one.streak.from);
      const score = Math.max(calls, anomalous ? one.streak.score : 0, one.gone?.score ?? 0);
      if (calls > 1 || anomalous) {
        this.missing.set(key, { ...one, gone: { step: one.gone?.step ?? step, score, failing: calls > 1 } });
      } else if (one.gone !== undefined) {
        const retract = swept.explains(key, one.gone.step);
        this.missing.set(key, { ...one, gone: retract ? undefined : { ...one.gone, failing: false } });
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
    if (this.#outage > 0) return;
    this.#scored = new Set(scores.keys());
    for (const [key, score] of scores) {
      if (!this.missing.has(key)) this.streaks.extend(key, step, score, bits.get(key) ?? 0);
    }
    for (const [key, streak] of this.streaks.entries) {
      if (this.#isJudged(key) || !this.#present.has(key) || !endsAnomalous(streak, step - 1)) continue;
      const gone = { step, score: streak.score, failing: false };
      this.#miss(key, { channel: 0, step: step - 1 });
      this.missing.set(key, { ...this.missing.get(key)!, gone });
    }
    this.streaks.endBefore(step);
  }

  /** False for a service that was anomalous, and had too few values to be scored at the last step. */
  #isJudged(key: string): boolean {
    const known = this.streaks.get(key) ?? this.missing.get(key)?.streak;
    return known === undefined || this.#scored.size === 0 || this.#scored.has(key);
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
    if (before.gone === undefined && before.steps >= MIN_MISSING_STEPS) this.returned.set(key, step);
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
    for (const [key, back] of this.returned) {
      if (back >= step || back < step - RETURN_PERIODS * keepSteps) this.returned.delete(key);
    }
  }
}

function mayBeGone({ steps, streak }: Missing): boolean {
  return streak !== undefined || steps >= MIN_MISSING_STEPS;
}
