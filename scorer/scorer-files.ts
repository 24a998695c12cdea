import { readScorerConfig, type ScorerConfig } from './config.ts';
import { type FeatureSet, readFeatures } from './features/features.ts';
import { SHIPPED_FEATURES } from './paths.ts';

export interface ScorerFiles {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
}

/** Reads scorer.yaml and the features file it names; default: the shipped features. @throws ConfigError */
export function readScorerFiles(path: string): ScorerFiles {
  const config = readScorerConfig(path);
  return { config, set: readFeatures(config.features_file ?? SHIPPED_FEATURES) };
}
