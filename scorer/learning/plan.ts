import type { ScorerConfig } from '../config.ts';
import type { History } from '../fleet/history.ts';
import { needsRenewal, needsRetraining } from './renewal.ts';
import type { Knowledge } from './knowledge.ts';
import type { ServiceState } from '../scoring/score-fleet.ts';

/** What the scorer can say at a step, as far as learning is concerned. */
export interface LearningSituation {
  readonly step: number;
  readonly states: ReadonlyMap<string, ServiceState>;
  readonly services: ReadonlyMap<string, History>;
  readonly knowledge: Pick<Knowledge, 'model' | 'profiles'>;
}

/** Services that can't be scored yet. */
export interface Waiting {
  readonly keys: readonly string[];
  /** Those that have been there for the least time of learning. */
  readonly ripe: readonly string[];
  /** Until the last of them has been there for so long. */
  readonly secondsLeft: number;
}

/**
 * Decides when a learning is started; what it learns then, it decides itself. A service that is ripe for its first profile
 * doesn't wait. Renewals, and services that a learning could make nothing of, wait until `learning.minimum` has passed
 * since the last one, so that a large fleet isn't learned one by one. A learning that fails is tried again after 2, 4,
 * 8, ... cycles, at most `learning.minimum`.
 */
export class LearningPlan {
  readonly #config: ScorerConfig;
  readonly #minSteps: number;
  #lastRun = Number.NEGATIVE_INFINITY;
  #tried: ReadonlySet<string> = new Set();
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(config: ScorerConfig) {
    this.#config = config;
    this.#minSteps = Math.ceil(config.learning.minimum / config.interval);
  }

  waiting({ step, states, services }: LearningSituation): Waiting {
    const keys = [...states].filter(([, state]) => state === 'learning').map(([key]) => key);
    const left = (key: string) => Math.max(0, (services.get(key)?.oldest ?? step) + this.#minSteps - 1 - step);
    const longest = Math.max(0, ...keys.map(left));
    return {
      keys,
      ripe: keys.filter((key) => left(key) === 0),
      secondsLeft: Math.ceil((longest * this.#config.interval) / 1000),
    };
  }

  isTime(situation: LearningSituation): boolean {
    const { step } = situation;
    if (step < this.#notBefore) return false;
    const { ripe } = this.waiting(situation);
    if (ripe.some((key) => !this.#tried.has(key))) return true;
    return step - this.#lastRun >= this.#minSteps && (ripe.length > 0 || this.#renewal(situation));
  }

  /** A learning that began with this situation has saved what it learned. */
  succeeded(situation: LearningSituation): void {
    this.#tried = new Set(this.waiting(situation).ripe);
    this.#lastRun = situation.step;
    this.#failures = 0;
  }

  failed({ step }: LearningSituation): void {
    this.#failures++;
    this.#notBefore = step + Math.min(this.#minSteps, 2 ** this.#failures);
  }

  #renewal({ step, states, knowledge: { model, profiles } }: LearningSituation): boolean {
    const scored = [...states].filter(([, state]) => state === 'scored');
    return (
      scored.some(([key]) => needsRenewal(profiles?.services.get(key), step, this.#config)) ||
      (model !== undefined && needsRetraining(model, step * this.#config.interval, this.#config))
    );
  }
}
