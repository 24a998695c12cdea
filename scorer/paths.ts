import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScorerConfig } from './config.ts';

/** The package's root: the parent directory both of dist/ in a build and of scorer/ in the sources. */
const PACKAGE = resolve(fileURLToPath(import.meta.url), '../..');
export const SHIPPED_FEATURES = join(PACKAGE, 'rules/features.yaml');
export const SHIPPED_ALERTS = join(PACKAGE, 'rules/services.alerts.yaml');
export const SHIPPED_DETECTOR_ALERTS = join(PACKAGE, 'rules/detectors.alerts.yaml');
export const SHIPPED_DASHBOARDS = join(PACKAGE, 'dashboards/generated');
export const SHIPPED_MODEL = join(PACKAGE, 'models/base.onnx');
export const SHIPPED_PATTERNS_FILE = join(PACKAGE, 'models/patterns.json');

export interface ModelPaths {
  /** The directory of all that is learned. */
  readonly directory: string;
  readonly base: string;
  readonly profiles: string;
  /** State of an unfinished training run. */
  readonly checkpoint: string;
  /** Errors that recur daily or weekly. */
  readonly seasons: string;
  /** Services of the incident that are gone. */
  readonly gone: string;
  /** When the detectors beside the autoencoder learned. */
  readonly detectors: string;
  /** The sample of traces that `trace_sequence` learns from. */
  readonly traces: string;
  /** What one of them learned. */
  readonly detector: (name: string) => string;
}

export function modelPaths(config: ScorerConfig): ModelPaths {
  const directory = join(config.state_dir, 'models');
  return {
    directory,
    base: config.base_model ?? SHIPPED_MODEL,
    profiles: join(directory, 'profiles.json'),
    checkpoint: join(directory, 'fleet.checkpoint'),
    seasons: join(directory, 'seasons.json'),
    gone: join(directory, 'gone.json'),
    detectors: join(directory, 'detectors.json'),
    traces: join(directory, 'traces.sample'),
    detector: (name) => join(directory, `${name}.json`),
  };
}
