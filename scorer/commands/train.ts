import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, LOG_FLAGS } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { standardError } from '../../daemon/streams/line-output.ts';
import { readGiven } from '../learning/given.ts';
import { learn, learnBaseModel } from '../learning/learn.ts';
import { learnDetectors } from '../learning/detectors/learn-detectors.ts';
import { type OnProgress, ProgressBar, renderProgress } from '../learning/progress.ts';
import { PrometheusClient } from '../prometheus/client.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { CONFIG_FLAG, lastWholeInterval, timeOrAgo, TRAINING_FLAGS } from './flags.ts';
import { RejectionNotes } from './rejection-notes.ts';

const FLAGS = {
  ...CONFIG_FLAG,
  'config.stdin': {
    type: 'boolean',
    help: 'Take the configuration from standard input instead, as a running scorer gives it to the training it starts.',
  },
  all: { type: 'boolean', help: 'Relearn every service, not only those that are due.' },
  retrain: {
    type: 'boolean',
    help: "Retrain this installation's model from its current weights, even if it still fits.",
  },
  model: {
    type: 'string',
    help: 'Train a model from scratch and save it as this .onnx file, with its card (.json) next to it; learn no services.',
  },
  from: {
    type: 'string',
    help: 'Start of the history, RFC 3339 or a duration ago. Default: learning.history before --to.',
  },
  to: { type: 'string', help: 'End of the history, RFC 3339 or a duration ago. Default: the last whole interval.' },
  progress: {
    type: 'string',
    default: 'bar',
    choices: ['bar', 'json'],
    help: 'Progress format: bar, or json (one object per line; exits when stdin closes).',
  },
  ...TRAINING_FLAGS,
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer train`: learns the normal behaviour of services from the history in Prometheus. */
export const train = defineCommand({
  usage: 'train [flags]',
  summary: 'Learn the normal behaviour of services from the history in Prometheus.',
  flags: FLAGS,
  async run(values, _words, { stops, signal }) {
    const { config, set } = values['config.stdin']
      ? await readGiven(process.stdin)
      : readScorerFiles(values['config.file']);
    const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
    stops.onStop('prometheus client', () => http.close());
    const toMs = timeOrAgo('to', values.to) ?? lastWholeInterval(config);
    const fromMs = timeOrAgo('from', values.from) ?? toMs - config.learning.history;
    const bar = new ProgressBar(standardError);
    const json = values.progress === 'json';
    const notes = new RejectionNotes();
    const fleet = {
      config,
      set,
      onRejected: notes.onRejected,
      client: new PrometheusClient({ url: config.prometheus.url, http }),
      signal: json ? AbortSignal.any([signal, stdinClosed()]) : signal,
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
    const choices = { all: values.all || values.retrain, seed: values.seed };
    const outcomes = values.model === undefined ? await learnDetectors(fleet, span, choices, onProgress) : [];
    if (!json) {
      bar.end();
      // A process that reads JSON finds the same in its own cycles.
      standardError.write(String(notes));
    }
    print(`learned ${result.services} services, ${result.edges} edges with ${result.model}\n`);
    for (const { detector, reason } of outcomes) print(`${detector}: ${reason ?? 'learned'}\n`);
  },
});

/** Aborts when stdin closes: the parent process exited or was killed, and nobody waits for the result. */
function stdinClosed(): AbortSignal {
  const closed = new AbortController();
  process.stdin.once('close', () => closed.abort(new Error('stdin closed: the parent process is gone'))).resume();
  return closed.signal;
}
