import { ConfigError } from '../daemon/config-file.ts';
import { nearest } from '../daemon/nearest.ts';
import { readScorerConfig, type ScorerConfig } from './config.ts';
import { configuredDetectors } from './detectors/all.ts';
import { type FeatureNames, SUBJECT_KINDS } from './detectors/detector.ts';
import { detectorsSchema } from './detectors/settings.ts';
import { type FeatureSet, readFeatures } from './features/features.ts';
import { SHIPPED_FEATURES } from './paths.ts';

export interface ScorerFiles {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
}

/** Reads scorer.yaml and the features file it names; default: the shipped features. @throws ConfigError */
export function readScorerFiles(path: string): ScorerFiles {
  const config = readScorerConfig(path);
  const set = readFeatures(config.features_file ?? SHIPPED_FEATURES);
  checkDetectorFeatures(path, config, set);
  return { config, set };
}

const LISTS = { service: 'features', edge: 'edges', pod: 'pods', endpoint: 'endpoints' } as const;

/**
 * A detector learns nothing from a feature that the features file lacks, which would never be noticed. Names that are
 * only defaults may be missing, but not all of them.
 *
 * @throws ConfigError naming each such feature
 */
function checkDetectorFeatures(path: string, config: ScorerConfig, set: FeatureSet): void {
  const problems = configuredDetectors(config.detectors).flatMap(({ descriptor, settings }) => {
    const { name: detector } = descriptor;
    const names = featuresByList(descriptor.reads(settings, set), set);
    const defaults = detectorsSchema.parse({ [detector]: {} });
    const [usual] = configuredDetectors(defaults).filter(({ descriptor: { name } }) => name === detector);
    const usualNames = featuresByList(usual?.descriptor.reads(usual.settings, set) ?? {}, set);
    const missing = names.filter(({ name, known }) => !known.includes(name));
    if (missing.length > 0 && missing.length === names.length) {
      return [
        `${path}: detectors.${detector}: the features file has none of ${missing.map(({ name }) => name).join(', ')}`,
      ];
    }
    return missing
      .filter(({ list, name }) => !usualNames.some((one) => one.list === list && one.name === name))
      .map(({ list, name, known }) => {
        const near = nearest(name, known);
        const hint = near === undefined ? '' : `, did you mean ${near}?`;
        return `${path}: detectors.${detector}: ${list} of the features file lack ${name}${hint}`;
      });
  });
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
}

function featuresByList(names: FeatureNames, set: FeatureSet) {
  return SUBJECT_KINDS.flatMap((kind) => {
    const list = LISTS[kind];
    const known = set[list].map(({ name }) => name);
    return (names[kind] ?? []).map((name) => ({ list, name, known }));
  });
}
