import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { modelPaths } from '../paths.ts';
import { createSeasons, type Seasons } from '../scoring/seasons.ts';

/** Steps between two saves. */
const STEPS_PER_SAVE = 60;

/** Errors that recur daily or weekly, kept on disk over restarts. */
export class KeptSeasons {
  readonly seasons: Seasons;
  readonly #path: string;
  readonly #logger: Logger;
  readonly #conditions: ConditionLog;
  readonly #isKnown: (service: string) => boolean;

  /** @param isKnown returns true for services that exist; others are forgotten */
  constructor(config: ScorerConfig, set: FeatureSet, logger: Logger, isKnown: (service: string) => boolean) {
    this.seasons = createSeasons(set, config);
    this.#path = modelPaths(config).seasons;
    this.#logger = logger;
    this.#conditions = new ConditionLog(logger);
    this.#isKnown = isKnown;
  }

  load(): void {
    const unused = this.seasons.load(this.#path);
    if (unused !== undefined) {
      this.#logger.warn('seasons file not usable, starting without seasons', { reason: unused });
    }
  }

  /** Saves them once an hour of steps. */
  async saveIfDue(step: number): Promise<void> {
    if (step % STEPS_PER_SAVE !== 0) return;
    this.seasons.forget(step, this.#isKnown);
    await this.save();
  }

  async save(): Promise<void> {
    try {
      await this.seasons.save(this.#path);
      this.#conditions.recovered('seasons', 'saving the seasons works again');
    } catch (error) {
      this.#conditions.failing('seasons', 'saving the seasons failed, a restart loses them', error);
    }
  }
}
