import { COMMON_FLAGS, type Flags, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import { backtest } from '../backtest/backtest.ts';
import { readFaults } from '../backtest/labels.ts';
import { renderTable, writeReports } from '../backtest/report.ts';
import { readScorerConfig } from '../config.ts';
import { readFeatures } from '../features/features.ts';
import type { TimeSpan } from '../fleet/past.ts';
import { VERSION } from '../metrics.ts';
import { SHIPPED_FEATURES } from '../paths.ts';
import { ProgressBar } from '../learning/progress.ts';
import { PrometheusClient } from '../prometheus/client.ts';
import { WHOLE_FLEET } from '../identity/shard.ts';
import { REPORT_FLAGS, TRAINING_FLAGS } from './flags.ts';

const FLAGS = {
  'config.file': {
    type: 'string',
    default: 'scorer.yaml',
    help: 'The configuration; nothing is written to its state_dir.',
  },
  from: { type: 'string', help: 'Begin of the history to replay, RFC 3339.' },
  to: { type: 'string', help: 'End of the history to replay, RFC 3339.' },
  'train-from': { type: 'string', help: 'Begin of the time to learn from. Default: --from.' },
  'train-to': { type: 'string', help: 'End of the time to learn from; the replay leaves it out but for known faults.' },
  faults: { type: 'string', help: 'Known faults: JSON, [{"start", "end"?, "namespace", "service", "type"}].' },
  ...REPORT_FLAGS,
  ...TRAINING_FLAGS,
  ...COMMON_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer backtest`: replays history and tells what the scores would have been worth. */
export async function runBacktest({ argv, stops }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help || values.version) {
    const text = values.help ? renderHelp('lorikeet-scorer backtest [flags]', FLAGS) : `lorikeet-scorer ${VERSION}\n`;
    process.stdout.write(text);
    return 0;
  }
  const window = span('from', values.from, 'to', values.to);
  const training = span('train-from', values['train-from'] ?? values.from, 'train-to', values['train-to']);
  if (values.faults === undefined) throw new UsageError('--faults: expected a file with the known faults');
  const faults = readFaults(values.faults);
  const config = readScorerConfig(values['config.file']);
  const set = readFeatures(config.features_file ?? SHIPPED_FEATURES);
  const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
  stops.onStop('prometheus client', () => http.close());
  const progress = new ProgressBar(process.stderr);
  const result = await backtest({
    // History is replayed as a whole, whichever part of it the scorer has.
    config: { ...config, shard: WHOLE_FLEET },
    set,
    client: new PrometheusClient({ url: config.prometheus.url, http }),
    window,
    training,
    faults,
    epochs: values.epochs,
    seed: values.seed,
    onProgress: (phase, share, detail) => progress.update(phase, share, detail),
  });
  progress.end();
  process.stdout.write(renderTable(result));
  await writeReports(result, { json: values.out, html: values.html });
  return 0;
}

function span(fromFlag: string, from: string | undefined, toFlag: string, to: string | undefined): TimeSpan {
  const [fromMs, toMs] = [readTime(fromFlag, from), readTime(toFlag, to)];
  if (fromMs >= toMs) throw new UsageError(`--${toFlag}: expected a time after --${fromFlag}`);
  return { fromMs, toMs };
}

function readTime(flag: string, text: string | undefined): number {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time)) {
    throw new UsageError(`--${flag}: expected a time such as 2024-05-01T12:00:00Z, got "${text ?? ''}"`);
  }
  return time;
}
