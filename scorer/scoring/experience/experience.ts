import type { ScorerConfig } from '../../config.ts';
import type { FeatureSet } from '../../features/features.ts';
import { Levels } from './levels.ts';
import { createSeasons, type Seasons } from './seasons.ts';
import { Trends } from './trends.ts';

const HOUR_MS = 3_600_000;

/** What the scorer has lived through with each service, beyond its profile: recurring errors, new levels, slow growth. */
export interface Experience {
  readonly seasons: Seasons;
  readonly levels: Levels;
  readonly trends: Trends;
}

/** Without any experience yet. */
export function createExperience({ features }: Pick<FeatureSet, 'features'>, config: ScorerConfig): Experience {
  return {
    seasons: createSeasons({ features }, config),
    levels: new Levels(),
    trends: new Trends(features, HOUR_MS / config.interval),
  };
}
