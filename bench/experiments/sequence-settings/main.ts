/**
 * Settings of gru_vae and lstm_autoencoder on a folder of recorded faults: the papers' own and others, several seeds each, by
 * the product's own learning and judging. The settings that are the defaults were chosen by this table.
 */
import { type Flags, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { ratio } from '../../../scorer/backtest/report/columns.ts';
import { openSession } from '../../../scorer/backtest/session.ts';
import { detectorsSchema } from '../../../scorer/detectors/settings.ts';
import { FOLDER_FLAGS, recordedFolder } from '../../recorded/recorded-folder.ts';

const FLAGS = {
  seeds: { type: 'number', default: 1, help: 'Number of seeds.' },
  only: { type: 'string', help: 'Regular expression that names of variants have to match.' },
  latency: { type: 'string', default: 'server_latency_p90', help: 'The feature of services that gru_vae reads.' },
  edge: { type: 'string', default: 'caller_latency', help: 'The feature of edges that gru_vae reads.' },
  pods: {
    type: 'string',
    default: 'cpu,memory,system_reads,system_writes,received_bytes,sent_bytes',
    help: 'The features of pods that lstm_autoencoder reads.',
  },
  ...FOLDER_FLAGS,
} as const satisfies Flags;

type Variant = Readonly<Record<string, unknown>>;

const GRU: Readonly<Record<string, Variant>> = {
  'the paper': { threshold: 'gaussian', tolerance: 32, smoothing: 12, values: 'linear', error: 'window' },
  'tolerance 4': { threshold: 'gaussian', tolerance: 4, smoothing: 12, values: 'linear', error: 'window' },
  'tail, tolerance 1': { threshold: 'tail', tolerance: 1, smoothing: 12, values: 'linear', error: 'window' },
  'tail, no smoothing': { threshold: 'tail', tolerance: 1, smoothing: 1, values: 'linear', error: 'window' },
  'tail, newest': { threshold: 'tail', tolerance: 1, smoothing: 1, values: 'linear', error: 'newest' },
  'percentile, newest': {
    threshold: 'percentile',
    confidence: 0.997,
    tolerance: 1,
    smoothing: 1,
    values: 'linear',
    error: 'newest',
  },
  'tail, newest, log': { threshold: 'tail', tolerance: 1, smoothing: 1, values: 'log', error: 'newest' },
  'tail, newest, log, smoothing 3': { threshold: 'tail', tolerance: 1, smoothing: 3, values: 'log', error: 'newest' },
};

const LSTM: Readonly<Record<string, Variant>> = {
  'the slides': { threshold: 'percentile', values: 'linear', error: 'window' },
  newest: { threshold: 'percentile', values: 'linear', error: 'newest' },
  'newest, tail': { threshold: 'tail', values: 'linear', error: 'newest' },
  'newest, tail, log': { threshold: 'tail', values: 'log', error: 'newest' },
};

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- sequence-settings <folder> [flags]', FLAGS));
    return 0;
  }
  const { open, progress } = recordedFolder(positionals, stops);
  const options = await open();
  const only = new RegExp(values.only ?? '');
  const variants = [
    ...Object.entries(GRU).map(([name, variant]) => {
      const subjects = { service: values.latency, edge: values.edge };
      return [`gru_vae: ${name}`, { gru_vae: { subjects, epochs: 60, ...variant } }] as const;
    }),
    ...Object.entries(LSTM).map(([name, variant]) => {
      return [
        `lstm_autoencoder: ${name}`,
        { lstm_autoencoder: { features: values.pods.split(','), ...variant } },
      ] as const;
    }),
  ].filter(([name]) => only.test(name));
  process.stdout.write(
    '| | seed | recall | false alarms a service-day | delay p50 | cause @1/3/5 |\n|---|---|---|---|---|---|\n',
  );
  for (const [name, detectors] of variants) {
    for (let seed = 1; seed <= values.seeds; seed++) {
      const config = { ...options.config, detectors: detectorsSchema.parse({ autoencoder: {}, ...detectors }) };
      // The autoencoder's own training isn't looked at here: an epoch of it will do.
      const session = await openSession({ ...options, config, seed, epochs: 1 });
      try {
        const [detector] = session.detectors;
        if (detector === undefined) continue;
        const { figures } = session.judge(await session.replayDetector(detector));
        const { at_1: first, at_3: third, at_5: fifth } = figures.root_cause;
        const cells = [ratio(figures.recall), ratio(figures.false_alarms_per_service_day)];
        const delay = Number.isFinite(figures.delay_seconds.p50) ? `${figures.delay_seconds.p50.toFixed(0)} s` : '-';
        process.stdout.write(
          `| ${name} | ${seed} | ${cells.join(' | ')} | ${delay} | ${[first, third, fifth].map(ratio).join('/')} |\n`,
        );
      } finally {
        await session.close();
      }
    }
  }
  progress.end();
  return 0;
}

await runProgram('bench-sequence-settings', main);
