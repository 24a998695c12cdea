import { durationSchema } from '../../daemon/config-file.ts';
import { type Flags, UsageError } from '../../daemon/flags.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { SCORER_DEFAULTS, type ScorerConfig } from '../config.ts';

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

/** The last interval whose rules are evaluated and ingested, as in `run`. Milliseconds since the epoch. */
export function lastWholeInterval({ interval, delay = interval * SCORER_DEFAULTS.delayShare }: ScorerConfig): number {
  return Math.floor((Date.now() - delay) / interval) * interval;
}

/** Milliseconds since the epoch of an RFC 3339 time, or of a duration before now. @throws UsageError */
export function timeOrAgo(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ago = durationSchema.safeParse(text);
  return ago.success ? Date.now() - ago.data : readTime(flag, text);
}

/** Milliseconds since the epoch of a flag's RFC 3339 time. @throws UsageError */
function readTime(flag: string, text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--${flag}: expected a time such as 2024-05-01T12:00:00Z or a duration such as 2h, got ${renderText(text)}`,
  );
}
