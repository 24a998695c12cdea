import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScorerConfig } from './config.ts';

/** Where things lie: the package's own folders are beside dist/, and and this folder is beside them in the sources. */
const PACKAGE = resolve(fileURLToPath(import.meta.url), '../..');
export const SHIPPED_FEATURES = join(PACKAGE, 'rules/features.yaml');
export const SHIPPED_MODEL = join(PACKAGE, 'models/base.onnx');

export interface ModelPaths {
  /** Everything that is learned is kept here. */
  readonly folder: string;
  readonly base: string;
  readonly profiles: string;
  /** State of a training that hasn't come to its end. */
  readonly checkpoint: string;
  /** What was loud at which time of day. */
  readonly seasons: string;
}

export function modelPaths(config: ScorerConfig): ModelPaths {
  const folder = join(config.state_dir, 'models');
  return {
    folder,
    base: config.base_model ?? SHIPPED_MODEL,
    profiles: join(folder, 'profiles.json'),
    checkpoint: join(folder, 'fleet.checkpoint'),
    seasons: join(folder, 'seasons.json'),
  };
}
