import type { ScorerConfig } from '../config.ts';
import type { History } from '../fleet/history.ts';
import { needsRenewal, needsRetraining } from './renewal.ts';
import type { Knowledge } from './knowledge.ts';
import type { ServiceState } from '../scoring/score-fleet.ts';

/** The state of the scorer after a cycle, as far as learning is concerned. */
export interface LearningSituation {
  readonly step: number;
  readonly states: ReadonlyMap<string, ServiceState>;
  readonly services: ReadonlyMap<string, History>;
  readonly knowledge: Pick<Knowledge, 'model' | 'profiles'>;
}

/** Services that can't be scored yet. */
export interface Waiting {
  readonly keys: readonly string[];
  /** Those with the minimum history to learn from. */
  readonly ready: readonly string[];
  /** Time until all of them have the minimum history. */
  readonly secondsLeft: number;
}

/**
 * Decides when to start learning; the training process decides what to learn. A service that is ready for its first
 * profile starts it at once. Renewals, and services that couldn't be learned last time, wait until `learning.minimum`
 * has passed since the last run, so that a large fleet isn't learned one service at a time. A failed run is retried
 * after 2, 4, 8, ... cycles, at most `learning.minimum`.
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
      ready: keys.filter((key) => left(key) === 0),
      secondsLeft: Math.ceil((longest * this.#config.interval) / 1000),
    };
  }

  isTime(situation: LearningSituation): boolean {
    const { step } = situation;
    if (step < this.#notBefore) return false;
    const { ready } = this.waiting(situation);
    if (ready.some((key) => !this.#tried.has(key))) return true;
    return step - this.#lastRun >= this.#minSteps && (ready.length > 0 || this.#renewal(situation));
  }

  /** Records that a run that started with this situation has succeeded. */
  succeeded(situation: LearningSituation): void {
    this.#tried = new Set(this.waiting(situation).ready);
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
