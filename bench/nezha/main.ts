/**
 * Runs the backtest on a folder of recorded faults (docs/evaluation.md): backfills a Prometheus of its own, evaluates
 * features.yaml beside this file over the recorded time, learns from fault-free time and replays the rest.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Flags, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram, type StopStack } from '../../daemon/lifecycle.ts';
import { backtest } from '../../scorer/backtest/backtest.ts';
import { graceMs } from '../../scorer/backtest/figures.ts';
import { faultsOf } from '../../scorer/backtest/labels.ts';
import { renderTable, writeReports } from '../../scorer/backtest/report.ts';
import { readScorerConfig, type ScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features.ts';
import { ProgressBar } from '../../scorer/progress.ts';
import { readFolder, timeRange } from './folder.ts';
import { NAMESPACE } from './open-metrics.ts';
import { connect, startWithFeatures } from './recording.ts';
import { trainingTime } from './training-time.ts';

const FLAGS = {
  out: { type: 'string', help: 'Write the report as JSON to this file.' },
  html: { type: 'string', help: 'Write the report with plots to this file.' },
  'features.file': { type: 'string', default: 'bench/nezha/features.yaml', help: 'The list of features.' },
  seed: { type: 'number', default: 1, help: 'Seed of the training.' },
  help: { type: 'boolean', help: 'Print this help and exit.' },
} as const satisfies Flags;

/** Rows are a minute apart; a fault lasts a few of them, so the tensor looks back five. */
const INTERVAL_MS = 60_000;
const STEPS = [0, 1, 2, 3, 4];

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench:nezha -- <folder> [flags]', FLAGS));
    return 0;
  }
  const [path] = positionals;
  if (path === undefined) throw new UsageError('expected a folder with recorded metrics and faults');
  const folder = readFolder(resolve(path));
  const set = readFeatures(values['features.file']);
  const { firstMs, lastMs } = timeRange(folder.pods);
  const span = {
    fromMs: Math.ceil(firstMs / INTERVAL_MS) * INTERVAL_MS,
    toMs: Math.ceil(lastMs / INTERVAL_MS) * INTERVAL_MS,
  };
  const faults = faultsOf(
    folder.faults.map(({ startMs, service, type }) => ({
      start: new Date(startMs).toISOString(),
      namespace: NAMESPACE,
      service,
      type,
    })),
  );
  const training = trainingTime(span, faults, graceMs(set.windows.at(-1) ?? 0, INTERVAL_MS), INTERVAL_MS);

  const progress = new ProgressBar(process.stderr);
  const onProgress = (phase: string, share: number, detail: string) => progress.update(phase, share, detail);
  const prometheus = await startWithFeatures(folder, { set, span, intervalMs: INTERVAL_MS, stops, onProgress });
  const { client, close } = connect(prometheus.url);
  stops.onStop('prometheus client', close);
  const config = scorerConfig(prometheus.url, stops);
  const result = await backtest({ config, set, client, window: span, training, faults, seed: values.seed, onProgress });
  progress.end();
  process.stdout.write(renderTable(result));
  await writeReports(result, {
    ...(values.out !== undefined && { json: values.out }),
    ...(values.html !== undefined && { html: values.html }),
  });
  return 0;
}

/** The scorer's own configuration file, so that nothing is set here that a user couldn't set. */
function scorerConfig(url: string, stops: StopStack): ScorerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  stops.onStop('configuration', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'scorer.yaml');
  writeFileSync(
    file,
    JSON.stringify({ prometheus: { url }, output: 'metrics', interval: `${INTERVAL_MS / 1000}s`, steps: STEPS }),
  );
  return readScorerConfig(file);
}

await runProgram('bench-nezha', main);
