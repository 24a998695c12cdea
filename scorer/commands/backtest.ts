import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, LOG_FLAGS, UsageError } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { standardError } from '../../daemon/streams/line-output.ts';
import { backtest as replay } from '../backtest/backtest.ts';
import { readAlertTiming } from '../backtest/alerts.ts';
import { readFaults } from '../backtest/labels.ts';
import { renderTable, writeReports } from '../backtest/report.ts';
import type { TimeSpan } from '../fleet/past.ts';
import { ProgressBar } from '../learning/progress.ts';
import { PrometheusClient } from '../prometheus/client.ts';
import { WHOLE_FLEET } from '../identity/shard.ts';
import { SHIPPED_ALERTS } from '../paths.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { readTime, REPORT_FLAGS, TRAINING_FLAGS } from './flags.ts';

const FLAGS = {
  'config.file': {
    type: 'string',
    default: 'scorer.yaml',
    help: 'Configuration file. Nothing is written to its state_dir.',
  },
  from: { type: 'string', help: 'Start of the history to replay, RFC 3339.' },
  to: { type: 'string', help: 'End of the history to replay, RFC 3339.' },
  'train-from': { type: 'string', help: 'Start of the history to learn from, RFC 3339. Default: --from.' },
  'train-to': {
    type: 'string',
    help: 'End of the history to learn from, RFC 3339. Only the known faults in it are replayed.',
  },
  faults: {
    type: 'string',
    help: 'JSON file with the known faults: [{"start", "end"?, "namespace", "service", "type"}].',
  },
  'alerts.file': {
    type: 'string',
    default: SHIPPED_ALERTS,
    help: 'Rule file with the alert ServiceAnomalous, whose wait and evaluation interval count.',
  },
  ...REPORT_FLAGS,
  ...TRAINING_FLAGS,
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer backtest`: replays history and evaluates the scores against known faults. */
export const backtest = defineCommand({
  usage: 'backtest [flags]',
  summary: 'Replay history and evaluate the scores against known faults.',
  flags: FLAGS,
  async run(values, _words, { stops }) {
    const window = span('from', values.from, 'to', values.to);
    const training = span('train-from', values['train-from'] ?? values.from, 'train-to', values['train-to']);
    if (values.faults === undefined) throw new UsageError('--faults: expected a JSON file with the known faults');
    const faults = readFaults(values.faults);
    const { config, set } = readScorerFiles(values['config.file']);
    const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
    stops.onStop('prometheus client', () => http.close());
    const progress = new ProgressBar(standardError);
    const result = await replay({
      // The whole fleet is replayed, whichever shard this scorer has.
      config: { ...config, shard: WHOLE_FLEET },
      set,
      client: new PrometheusClient({ url: config.prometheus.url, http }),
      window,
      training,
      faults,
      alertTiming: readAlertTiming(values['alerts.file']),
      epochs: values.epochs,
      seed: values.seed,
      onProgress: (phase, share, detail) => progress.update(phase, share, detail),
    });
    progress.end();
    print(renderTable(result));
    await writeReports(result, { json: values.out, html: values.html });
  },
});

function span(fromFlag: string, from: string | undefined, toFlag: string, to: string | undefined): TimeSpan {
  const [fromMs, toMs] = [readTime(fromFlag, from), readTime(toFlag, to)];
  if (fromMs >= toMs) throw new UsageError(`--${toFlag}: expected a time after --${fromFlag}`);
  return { fromMs, toMs };
}
