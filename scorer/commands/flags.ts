import { type Flags, UsageError } from '../../daemon/flags.ts';

export const CONFIG_FLAG = {
  'config.file': { type: 'string', default: 'scorer.yaml', help: 'The configuration.' },
} as const satisfies Flags;

/** Of everything that may train a model. */
export const TRAINING_FLAGS = {
  epochs: { type: 'number', default: 60, help: 'Most passes over the windows when a model is trained.' },
  seed: { type: 'number', default: 1, help: 'Seed of the training.' },
} as const satisfies Flags;

/** Of everything that tells what scores are worth. */
export const REPORT_FLAGS = {
  out: { type: 'string', default: 'report.json', help: 'Where to write the figures.' },
  html: { type: 'string', default: 'report.html', help: 'Where to write the page with score curves.' },
} as const satisfies Flags;

/** Milliseconds since the epoch of a flag's RFC 3339 time. @throws UsageError */
export function readTime(flag: string, text: string | undefined): number {
  const time = Date.parse(text ?? '');
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`--${flag}: expected a time such as 2024-05-01T12:00:00Z, got "${text ?? ''}"`);
}
