import type { HistoryOptions } from '../fleet/past.ts';
import type { TrainingOptions } from '../training/trainer.ts';

export interface LearnOptions extends HistoryOptions {
  /** Learn every service anew, not only those that are due. */
  readonly all?: boolean;
  /** Train this installation's own model anew, from its own one on, though one fits. */
  readonly retrain?: boolean;
  /** Train a model from scratch, save it here, and learn nothing else. */
  readonly modelPath?: string;
  /** Of a model that is trained from scratch. Default: `NETWORK`. */
  readonly network?: TrainingOptions['network'];
  readonly epochs?: number;
  readonly seed?: number;
  readonly onProgress?: (progress: LearningProgress) => void;
}

export const LEARNING_PHASES = ['fetch', 'train', 'calibrate'] as const;
export type LearningPhase = (typeof LEARNING_PHASES)[number];

export interface LearningProgress {
  readonly phase: LearningPhase;
  /** Of the phase, 0..1. */
  readonly share: number;
  readonly detail: string;
}

/** There is nothing to learn from, or no model to learn with. */
export class LearnError extends Error {
  readonly code = 'NOTHING_TO_LEARN';
  override readonly name = 'LearnError';
}
