import { type Flags, HELP_FLAG, UsageError } from '../../daemon/flags.ts';
import type { StopStack } from '../../daemon/lifecycle.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { ProgressBar } from '../../scorer/learning/progress.ts';
import { openRecording, type RecordingOptions } from './backtest-options.ts';

/** The flags of every benchmark on a folder of recorded faults. */
export const FOLDER_FLAGS = {
  'features.file': { type: 'string', default: 'bench/nezha/features.yaml', help: 'YAML file of features.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** The folder named in a command line, and the display of the progress. */
export interface RecordedFolder {
  readonly path: string;
  readonly progress: ProgressBar;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
  readonly open: (
    choices?: Pick<RecordingOptions, 'withoutEdges' | 'trainingShare' | 'detectors'>,
  ) => Promise<BacktestOptions>;
}

/** @throws UsageError if no folder is named. */
export function recordedFolder(
  [path]: readonly string[],
  { 'features.file': featuresFile }: { readonly 'features.file': string },
  stops: StopStack,
): RecordedFolder {
  if (path === undefined) throw new UsageError('expected a folder with recorded metrics and faults');
  const progress = new ProgressBar(process.stderr);
  const onProgress = (phase: string, share: number, detail: string) => progress.update(phase, share, detail);
  return {
    path,
    progress,
    onProgress,
    open: (choices = {}) => openRecording({ path, featuresFile, stops, onProgress, ...choices }),
  };
}
