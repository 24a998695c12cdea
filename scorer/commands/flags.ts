import { type Flags, UsageError } from '../../daemon/flags.ts';

export const CONFIG_FLAG = {
  'config.file': { type: 'string', default: 'scorer.yaml', help: 'Configuration file.' },
} as const satisfies Flags;

/** Flags of the commands that train a model. */
export const TRAINING_FLAGS = {
  epochs: { type: 'number', default: 60, help: 'Maximum number of training epochs.' },
  seed: { type: 'number', default: 1, help: 'Random seed for training.' },
} as const satisfies Flags;

/** Flags of the commands that evaluate scores. */
export const REPORT_FLAGS = {
  out: { type: 'string', default: 'report.json', help: 'File for the evaluation as JSON.' },
  html: { type: 'string', default: 'report.html', help: 'File for the evaluation as HTML, with score curves.' },
} as const satisfies Flags;

/** Milliseconds since the epoch of a flag's RFC 3339 time. @throws UsageError */
export function readTime(flag: string, text: string | undefined): number {
  const time = Date.parse(text ?? '');
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`--${flag}: expected a time such as 2024-05-01T12:00:00Z, got "${text ?? ''}"`);
}
