import { setAside } from '../../daemon/files/set-aside.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { modelPaths } from '../paths.ts';
import { ChangesError, loadChanges, saveChanges } from '../scoring/experience/changes-file.ts';
import { createExperience, type Experience } from '../scoring/experience/experience.ts';

/** Steps between two saves. */
const STEPS_PER_SAVE = 60;

/** What the scorer has lived through with each service, kept on disk over restarts and for learning. */
export class KeptExperience {
  readonly experience: Experience;
  readonly #config: ScorerConfig;
  readonly #set: FeatureSet;
  readonly #logger: Logger;
  readonly #conditions: ConditionLog;
  readonly #isKnown: (service: string) => boolean;

  /** @param isKnown returns true for services that exist; others are forgotten */
  constructor(config: ScorerConfig, set: FeatureSet, logger: Logger, isKnown: (service: string) => boolean) {
    this.experience = createExperience(set, config);
    this.#config = config;
    this.#set = set;
    this.#logger = logger;
    this.#conditions = new ConditionLog(logger);
    this.#isKnown = isKnown;
  }

  load(): void {
    const { seasons, levels, trends } = this.experience;
    const { seasons: seasonsPath, changes: changesPath } = modelPaths(this.#config);
    const unused = seasons.load(seasonsPath);
    if (unused !== undefined) {
      this.#logger.warn('seasons file not usable, starting without seasons', {
        reason: unused,
        set_aside: setAside(seasonsPath),
      });
    }
    try {
      const changes = loadChanges(changesPath, this.#set.features);
      levels.restore(changes.levels);
      trends.restore(changes.hours);
    } catch (error) {
      if (!(error instanceof ChangesError)) throw error;
      this.#logger.warn('file of changes not usable, starting without new levels and trends', {
        reason: error.message,
        set_aside: setAside(changesPath),
      });
    }
  }

  /** Saves all once an hour of steps, and at once what learning has to know: a service that has changed for good. */
  async saveIfDue(step: number): Promise<void> {
    const { seasons, levels, trends } = this.experience;
    const isHour = step % STEPS_PER_SAVE === 0;
    if (isHour) {
      const { interval, learning } = this.#config;
      seasons.forget(step, this.#isKnown);
      levels.forget(step - Math.ceil(learning.history / interval), this.#isKnown);
      trends.forget(this.#isKnown);
    }
    if (isHour || levels.latest === step) await this.save();
  }

  async save(): Promise<void> {
    const { seasons, levels, trends } = this.experience;
    const paths = modelPaths(this.#config);
    try {
      await seasons.save(paths.seasons);
      await saveChanges(paths.changes, this.#set.features, { levels: levels.all, hours: trends.all });
      this.#conditions.recovered('experience', 'saving seasons and changes works again');
    } catch (error) {
      this.#conditions.failing('experience', 'saving seasons and changes failed, a restart loses them', error);
    }
  }
}
