import { type Flags, HELP_FLAG, UsageError } from '../../daemon/flags.ts';
import type { StopStack } from '../../daemon/lifecycle.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { ProgressBar } from '../../scorer/learning/progress.ts';
import { openRecording, type OpenOptions } from './open-recording.ts';

/** The flags of every benchmark on a recording. */
export const FOLDER_FLAGS = HELP_FLAG satisfies Flags;

/** The recording named in a command line, and the display of the progress. */
export interface RecordedFolder {
  readonly path: string;
  readonly progress: ProgressBar;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
  readonly open: (
    choices?: Pick<OpenOptions, 'withoutEdges' | 'trainingShare' | 'detectors'>,
  ) => Promise<BacktestOptions>;
}

/** @throws UsageError if no folder is named. */
export function recordedFolder([path]: readonly string[], stops: StopStack): RecordedFolder {
  if (path === undefined) throw new UsageError('expected the folder of a recording');
  const progress = new ProgressBar(process.stderr);
  const onProgress = (phase: string, share: number, detail: string) => progress.update(phase, share, detail);
  return { path, progress, onProgress, open: (choices = {}) => openRecording({ path, stops, onProgress, ...choices }) };
}
