import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, LOG_FLAGS, UsageError } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { standardError } from '../../daemon/streams/line-output.ts';
import { backtest as replay } from '../backtest/backtest.ts';
import { readAlertTiming } from '../backtest/alerts.ts';
import { readFaults } from '../backtest/labels.ts';
import { renderTable, writeReports } from '../backtest/report/report.ts';
import type { ScorerConfig } from '../config.ts';
import { firstValue } from '../fleet/first-value.ts';
import type { TimeSpan } from '../fleet/past.ts';
import { ProgressBar } from '../learning/progress.ts';
import { NothingToLearnError } from '../detectors/error.ts';
import { PrometheusClient } from '../prometheus/client.ts';
import { WHOLE_FLEET } from '../identity/shard.ts';
import { SHIPPED_ALERTS } from '../paths.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { RejectionNotes } from './rejection-notes.ts';
import { lastWholeInterval, REPORT_FLAGS, timeOrAgo, TRAINING_FLAGS } from './flags.ts';

/** History to replay without --from. */
const DEFAULT_WINDOW_MS = 7 * 86_400_000;
/** Share of the history that is at most learned from without --train-to. */
const MAX_TRAINING_SHARE = 1 / 3;

const FLAGS = {
  'config.file': {
    type: 'string',
    default: 'scorer.yaml',
    help: 'Configuration file. Nothing is written to its state_dir.',
  },
  from: {
    type: 'string',
    help: 'Start of the history to replay, RFC 3339 or a duration ago. Default: 1w before --to, or the first feature since.',
  },
  to: {
    type: 'string',
    help: 'End of the history to replay, RFC 3339 or a duration ago. Default: the last whole interval.',
  },
  'train-from': {
    type: 'string',
    help: 'Start of the history to learn from, RFC 3339 or a duration ago. Default: --from.',
  },
  'train-to': {
    type: 'string',
    help:
      'End of the history to learn from, RFC 3339 or a duration ago. Only the known faults in it are replayed. ' +
      'Default: learning.history after --train-from, at most a third of the history.',
  },
  faults: {
    type: 'string',
    help:
      'JSON file with the known faults: [{"start", "end"?, "namespace", "service", "type"}], with the labels of identity.labels. ' +
      'Default: none, which reports only the alarms.',
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

type SpanFlags = Partial<Record<'from' | 'to' | 'train-from' | 'train-to', string | undefined>>;

/** `lorikeet-scorer backtest`: replays history, counts the alarms, and evaluates the scores against known faults. */
export const backtest = defineCommand({
  usage: 'backtest [flags]',
  summary: 'Replay history, count the alarms, and evaluate the scores against known faults.',
  details:
    'Without flags: how many alarms there would have been in the last week, after learning from its first day, and by\n' +
    'which services and signals.',
  flags: FLAGS,
  async run(values, _words, { stops, signal }) {
    const { config, set } = readScorerFiles(values['config.file']);
    const faults = values.faults === undefined ? [] : readFaults(values.faults, config.identity);
    const alertTiming = readAlertTiming(values['alerts.file']);
    const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
    stops.onStop('prometheus client', () => http.close());
    const client = new PrometheusClient({ url: config.prometheus.url, http });
    const spans = await spansOf(values, config, client, signal);
    const progress = new ProgressBar(standardError);
    const notes = new RejectionNotes();
    const result = await replay({
      // The whole fleet is replayed, whichever shard this scorer has.
      config: { ...config, shard: WHOLE_FLEET },
      set,
      client,
      ...spans,
      faults,
      alertTiming,
      epochs: values.epochs,
      seed: values.seed,
      onProgress: (phase, share, detail) => progress.update(phase, share, detail),
      signal,
      onRejected: notes.onRejected,
    });
    progress.end();
    standardError.write(String(notes));
    print(renderTable(result));
    await writeReports(result, { json: values.out, html: values.html });
  },
});

/** The history to replay, and that to learn from. @throws UsageError, NothingToLearnError, PrometheusError */
async function spansOf(
  flags: SpanFlags,
  config: ScorerConfig,
  client: PrometheusClient,
  signal: AbortSignal,
): Promise<{ readonly window: TimeSpan; readonly training: TimeSpan }> {
  const toMs = timeOrAgo('to', flags.to) ?? lastWholeInterval(config);
  const given = timeOrAgo('from', flags.from);
  const fromMs =
    given ?? (await firstValue(client, config.prometheus.matchers, { fromMs: toMs - DEFAULT_WINDOW_MS, toMs }, signal));
  if (fromMs === undefined) throw new NothingToLearnError('no feature has a value in the last week: see doctor');
  const trainFrom = timeOrAgo('train-from', flags['train-from']) ?? fromMs;
  const trained = Math.min(config.learning.history, (toMs - trainFrom) * MAX_TRAINING_SHARE);
  const trainTo = timeOrAgo('train-to', flags['train-to']) ?? trainFrom + trained;
  return {
    window: span('from', fromMs, 'to', toMs),
    training: span('train-from', trainFrom, 'train-to', trainTo),
  };
}

function span(fromFlag: string, fromMs: number, toFlag: string, toMs: number): TimeSpan {
  if (fromMs >= toMs) throw new UsageError(`--${toFlag}: expected a time after --${fromFlag}`);
  return { fromMs, toMs };
}
