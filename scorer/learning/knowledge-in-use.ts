import { setAside } from '../../daemon/files/set-aside.ts';
import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { type Knowledge, openKnowledge } from './knowledge.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { modelPaths } from '../paths.ts';
import { Successor } from './successor.ts';

export interface KnowledgeInUseOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** The model and profiles that cycles use; replaced between two cycles after learning. */
export class KnowledgeInUse {
  readonly #options: KnowledgeInUseOptions;
  readonly #knowledge = new Successor<Knowledge>(
    { model: undefined, profiles: undefined, rejected: [] },
    async ({ model }) => await model?.autoencoder.close(),
  );

  constructor(options: KnowledgeInUseOptions) {
    this.#options = options;
  }

  get current(): Knowledge {
    return this.#knowledge.current;
  }

  /** True if newer knowledge was opened and isn't in use yet. */
  get hasPending(): boolean {
    return this.#knowledge.hasNext;
  }

  /** Opens the saved model and profiles, to be used from the next `adopt` on. */
  async open(): Promise<void> {
    const { config, set, logger, metrics } = this.#options;
    const opened = await openKnowledge(config, set);
    for (const { path, reason, damaged } of opened.rejected) {
      const aside = damaged && path !== modelPaths(config).base ? setAside(path) : undefined;
      logger.warn('model or profiles not usable', { path, reason, set_aside: aside });
    }
    metrics.modelDamaged.set(Number(opened.rejected.some(({ damaged }) => damaged)));
    this.#reportMisfits(opened);
    if (opened.model === undefined) logger.info('no model fits the features; one will be trained from history');
    else {
      const { path, features } = opened.model;
      const unknown = set.features.map(({ name }) => name).filter((name) => !features.includes(name));
      logger.info('model opened', {
        path,
        services: opened.profiles?.services.size ?? 0,
        unknown_features: unknown.length === 0 ? undefined : unknown.join(),
      });
    }
    await this.#knowledge.prepare(opened);
  }

  /** Says once for each file what was learned with other settings, which services may feel. */
  #reportMisfits({ misfits = [], saved = 0 }: Knowledge): void {
    const { config, logger, metrics } = this.#options;
    metrics.unfitProfiles.reset();
    for (const { setting, reason } of misfits) {
      metrics.unfitProfiles.set({ setting }, saved);
      logger.warn('profiles were learned with other settings', {
        path: modelPaths(config).profiles,
        setting,
        reason,
        services: saved,
      });
    }
  }

  /** Switches to the opened knowledge. Call between cycles, so that none mixes two models or uses a closed one. */
  async adopt(): Promise<void> {
    await this.#knowledge.adopt();
  }

  async close(): Promise<void> {
    await this.#knowledge.close();
  }
}
