import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FileContent } from '../../../daemon/files/atomic-write.ts';
import { readFileBounded } from '../../../daemon/files/read-file.ts';
import { MAX_YAML_LENGTH } from '../../../daemon/yaml/parse-yaml.ts';
import type { ScorerConfig } from '../../config.ts';
import { PATTERN_TRAINING, readPatterns, trainPatterns } from '../../detectors/pattern/train.ts';
import { modelPaths, SHIPPED_PATTERNS_FILE } from '../../paths.ts';
import type { OnProgress } from '../progress.ts';

/** The file of the classifier to use: that of the user's own patterns if it has been trained, or else the shipped one. */
export function patternFile(config: ScorerConfig): string {
  const own = ownPatternFile(config);
  return own !== undefined && existsSync(own) ? own : SHIPPED_PATTERNS_FILE;
}

/** True if the user's own patterns, as their file is now, haven't been trained. */
export function arePatternsDue(config: ScorerConfig): boolean {
  const own = ownPatternFile(config);
  return own !== undefined && !existsSync(own);
}

/**
 * Trains the classifier of the user's own patterns.
 *
 * @returns the file to write; undefined if there is nothing to train
 * @throws ConfigError naming the file of examples and what is wrong in it, TrainingError
 */
export async function learnPatterns(
  config: ScorerConfig,
  seed: number,
  signal: AbortSignal | undefined,
  onProgress: OnProgress | undefined,
): Promise<FileContent | undefined> {
  const examples = config.detectors.pattern?.examples_file;
  const path = ownPatternFile(config);
  if (examples === undefined || path === undefined || existsSync(path)) return undefined;
  const content = await trainPatterns(readPatterns(examples), {
    ...PATTERN_TRAINING,
    seed,
    signal,
    onProgress: ({ epoch, epochs }) =>
      onProgress?.({ phase: 'train', share: epoch / epochs, detail: `pattern, epoch ${epoch}` }),
  });
  return { path, content };
}

/** Named after the examples, so that a changed file is trained again. Undefined without any that can be read. */
function ownPatternFile(config: ScorerConfig): string | undefined {
  const examples = config.detectors.pattern?.examples_file;
  if (examples === undefined) return undefined;
  const text = examplesText(examples);
  if (text === undefined) return undefined;
  const digest = createHash('sha256').update(text).digest('hex');
  return join(modelPaths(config).directory, `pattern-${digest.slice(0, 12)}.json`);
}

/** A file that has gone since the start is no reason to stop scoring. */
function examplesText(path: string): Buffer | undefined {
  try {
    return readFileBounded(path, MAX_YAML_LENGTH);
  } catch {
    return undefined;
  }
}
