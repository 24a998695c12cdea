import { durationSchema } from '../../daemon/config-file.ts';
import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, LOG_FLAGS } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { SCORER_DEFAULTS, type ScorerConfig } from '../config.ts';
import { learn, learnBaseModel } from '../learning/learn.ts';
import { type OnProgress, ProgressBar, renderProgress } from '../learning/progress.ts';
import { PrometheusClient } from '../prometheus/client.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { CONFIG_FLAG, readTime, TRAINING_FLAGS } from './flags.ts';

const FLAGS = {
  ...CONFIG_FLAG,
  all: { type: 'boolean', help: 'Learn every service anew, not only those that are due.' },
  retrain: { type: 'boolean', help: "Train this installation's own model anew, from its own one on, though one fits." },
  model: {
    type: 'string',
    help: 'Train a model from scratch, save it as this .onnx file with its card beside it, and learn nothing else.',
  },
  from: { type: 'string', help: 'Begin of the history, RFC 3339. Default: learning.history before the end.' },
  to: { type: 'string', help: 'End of the history, RFC 3339. Default: the last whole interval.' },
  progress: {
    type: 'string',
    default: 'bar',
    choices: ['bar', 'json'],
    help: 'How to tell progress: to people, or as JSON lines to another process; then it ends with standard input.',
  },
  ...TRAINING_FLAGS,
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer train`: learns what is normal from Prometheus' history. */
export const train = defineCommand({
  usage: 'train [flags]',
  summary: "Learns what is normal from Prometheus' history.",
  flags: FLAGS,
  async run(values, _words, { stops, signal }) {
    const { config, set } = readScorerFiles(values['config.file']);
    const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
    stops.onStop('prometheus client', () => http.close());
    const toMs = timeOrAgo('to', values.to) ?? lastWholeInterval(config);
    const fromMs = timeOrAgo('from', values.from) ?? toMs - config.learning.history;
    const bar = new ProgressBar(process.stderr);
    const json = values.progress === 'json';
    const fleet = {
      config,
      set,
      client: new PrometheusClient({ url: config.prometheus.url, http }),
      signal: json ? AbortSignal.any([signal, inputEnd()]) : signal,
    };
    const span = { fromMs, toMs };
    const training = { epochs: values.epochs, seed: values.seed };
    const onProgress: OnProgress = json
      ? (progress) => print(`${renderProgress(progress)}\n`)
      : ({ phase, share, detail }) => bar.update(phase, share, detail);
    const renew = values.retrain ? 'model' : values.all ? 'all' : 'old';
    const result =
      values.model === undefined
        ? await learn(fleet, span, renew, training, onProgress)
        : await learnBaseModel(fleet, span, values.model, training, onProgress);
    if (!json) bar.end();
    print(`learned ${result.services} services, ${result.edges} edges with ${result.model}\n`);
  },
});

/** Rules and ingestion are done with it, as with what `run` scores. */
function lastWholeInterval({ interval, delay = interval * SCORER_DEFAULTS.delayShare }: ScorerConfig): number {
  return Math.floor((Date.now() - delay) / interval) * interval;
}

/** Aborts when standard input ends: the process that held it open is gone, killed perhaps, and nobody waits for this one. */
function inputEnd(): AbortSignal {
  const gone = new AbortController();
  process.stdin.once('close', () => gone.abort(new Error('the process that asked for it is gone'))).resume();
  return gone.signal;
}

/** A time, or how long ago it was. @throws UsageError */
function timeOrAgo(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ago = durationSchema.safeParse(text);
  return ago.success ? Date.now() - ago.data : readTime(flag, text);
}
