import { dirname } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { learnBaseModel } from '../../scorer/learning/learn.ts';
import { type EvaluateOptions, withHistory } from './evaluate.ts';

/**
 * Trains a base model on a recording's time without faults, like `lorikeet-scorer train --model=<path>`.
 *
 * @param leaveMs milliseconds at the end of that time to exclude
 */
export async function trainOn(
  folder: string,
  path: string,
  leaveMs: number,
  stops: StopStack,
  { seed, onProgress }: Pick<EvaluateOptions, 'seed' | 'onProgress'>,
): Promise<void> {
  await withHistory(folder, stops, ({ config, set, client, learning }) =>
    learnBaseModel(
      { config: { ...config, state_dir: dirname(path) }, set, client },
      { fromMs: learning.fromMs, toMs: learning.toMs - leaveMs },
      path,
      { seed },
      ({ phase, share, detail }) => onProgress(phase, share, detail),
    ),
  );
}
