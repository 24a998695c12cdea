import { durationSchema } from '../../daemon/config-file.ts';
import { COMMON_FLAGS, type Flags, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import { readScorerConfig } from '../config.ts';
import { readFeatures } from '../features.ts';
import { learn } from '../learning.ts';
import { VERSION } from '../metrics.ts';
import { SHIPPED_FEATURES } from '../models.ts';
import { PrometheusClient } from '../prometheus.ts';
import { ProgressBar } from '../progress.ts';

const FLAGS = {
  'config.file': { type: 'string', default: 'scorer.yaml', help: 'The configuration.' },
  all: { type: 'boolean', help: 'Learn every service anew, not only those that are new.' },
  model: {
    type: 'string',
    help: 'Train a model from scratch and save it as this .onnx file, with its card beside it.',
  },
  from: { type: 'string', help: 'Begin of the history, RFC 3339. Default: learning.history before the end.' },
  to: { type: 'string', help: 'End of the history, RFC 3339. Default: now.' },
  epochs: { type: 'number', default: 60, help: 'Most passes over the windows when a model is trained.' },
  seed: { type: 'number', default: 1, help: 'Seed of the training.' },
  ...COMMON_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer train`: learns what is normal from Prometheus' history. */
export async function runTrain({ argv, stops }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help || values.version) {
    const text = values.help ? renderHelp('lorikeet-scorer train [flags]', FLAGS) : `lorikeet-scorer ${VERSION}\n`;
    process.stdout.write(text);
    return 0;
  }
  const config = readScorerConfig(values['config.file']);
  const set = readFeatures(config.features_file ?? SHIPPED_FEATURES);
  const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
  stops.onStop('prometheus client', () => http.close());
  const toMs = readTime('to', values.to) ?? Date.now();
  const fromMs = readTime('from', values.from) ?? toMs - config.learning.history;
  const progress = new ProgressBar(process.stderr);
  const result = await learn({
    config,
    set,
    client: new PrometheusClient({ url: config.prometheus.url, http }),
    fromMs,
    toMs,
    all: values.all,
    ...(values.model !== undefined && { modelPath: values.model }),
    epochs: values.epochs,
    seed: values.seed,
    onProgress: (phase, share, detail) => progress.update(phase, share, detail),
  });
  progress.end();
  process.stdout.write(`learned ${result.services} services, ${result.edges} edges with ${result.model}\n`);
  return 0;
}

function readTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ago = durationSchema.safeParse(text);
  if (ago.success) return Date.now() - ago.data;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new UsageError(`--${flag}: expected a time such as 2024-05-01T12:00:00Z, got "${text}"`);
  return time;
}
