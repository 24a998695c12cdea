import { writeFileSync } from 'node:fs';
import { formatDuration, parseDuration } from '../../daemon/config-file.ts';
import { type Flags, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import { readFeatures } from '../features/features.ts';
import { SHIPPED_FEATURES } from '../paths.ts';
import { renderRecordingRules } from '../features/recording-rules.ts';

const FLAGS = {
  'features.file': { type: 'string', default: SHIPPED_FEATURES, help: 'The list of features.' },
  interval: { type: 'string', help: "Time between evaluations. Default: Prometheus' evaluation_interval." },
  output: { type: 'string', help: 'File to write. Default: standard output.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** `lorikeet-scorer rules`: renders the recording rules from the features file. */
export async function runRules({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('lorikeet-scorer rules [flags]', FLAGS));
    return 0;
  }
  const intervalMs = values.interval === undefined ? undefined : parseDuration(values.interval);
  if (values.interval !== undefined && !intervalMs) {
    throw new UsageError(`--interval: expected a duration such as ${formatDuration(30_000)}, got "${values.interval}"`);
  }
  const rules = renderRecordingRules(
    readFeatures(values['features.file']),
    intervalMs === undefined ? {} : { intervalMs },
  );
  if (values.output === undefined) process.stdout.write(rules);
  else writeFileSync(values.output, rules);
  return 0;
}
