/**
 * Runs the backtest on a folder of recorded faults (docs/evaluation.md): backfills a Prometheus of its own, evaluates
 * features.yaml beside this file over the recorded time, learns from fault-free time and replays the rest.
 */
import { type Flags, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { backtest } from '../../scorer/backtest/backtest.ts';
import { renderTable, writeReports } from '../../scorer/backtest/report.ts';
import { ProgressBar } from '../../scorer/progress.ts';
import { openRecording } from './backtest-options.ts';
import { TRAINING_SHARE } from './training-time.ts';

const FLAGS = {
  out: { type: 'string', help: 'Write the report as JSON to this file.' },
  html: { type: 'string', help: 'Write the report with plots to this file.' },
  'features.file': { type: 'string', default: 'bench/nezha/features.yaml', help: 'The list of features.' },
  'training.share': {
    type: 'number',
    default: TRAINING_SHARE,
    help: 'Share of the fault-free time, from its beginning, that is learned from.',
  },
  'without.edges': { type: 'boolean', help: 'Leave out what callers and callees saw of each other.' },
  seed: { type: 'number', default: 1, help: 'Seed of the training.' },
  help: { type: 'boolean', help: 'Print this help and exit.' },
} as const satisfies Flags;

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench:nezha -- <folder> [flags]', FLAGS));
    return 0;
  }
  const [path] = positionals;
  if (path === undefined) throw new UsageError('expected a folder with recorded metrics and faults');
  const progress = new ProgressBar(process.stderr);
  const onProgress = (phase: string, share: number, detail: string) => progress.update(phase, share, detail);
  const options = await openRecording({
    path,
    featuresFile: values['features.file'],
    withoutEdges: values['without.edges'],
    trainingShare: values['training.share'],
    stops,
    onProgress,
  });
  const result = await backtest({ ...options, seed: values.seed });
  progress.end();
  process.stdout.write(renderTable(result));
  await writeReports(result, {
    ...(values.out !== undefined && { json: values.out }),
    ...(values.html !== undefined && { html: values.html }),
  });
  return 0;
}

await runProgram('bench-nezha', main);
