/**
 * Runs the backtest on a folder of recorded faults (docs/evaluation.md): backfills its own Prometheus, evaluates
 * features.yaml next to this file over the recorded time, learns from fault-free time and replays the rest.
 */
import { load } from 'js-yaml';
import { type Flags, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { backtest } from '../../scorer/backtest/backtest.ts';
import { renderTable, writeReports } from '../../scorer/backtest/report/report.ts';
import { REPORT_FLAGS, TRAINING_FLAGS } from '../../scorer/commands/flags.ts';
import { FOLDER_FLAGS, recordedFolder } from './recorded-folder.ts';
import { TRAINING_SHARE } from './training-time.ts';

const FLAGS = {
  ...REPORT_FLAGS,
  'training.share': {
    type: 'number',
    default: TRAINING_SHARE,
    help: 'Share of the fault-free time, from its start, for learning.',
  },
  'without.edges': { type: 'boolean', help: 'Ignore the features of edges.' },
  detectors: { type: 'string', help: 'The section `detectors` of scorer.yaml, as YAML. Default: the autoencoder.' },
  seed: TRAINING_FLAGS.seed,
  ...FOLDER_FLAGS,
} as const satisfies Flags;

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- nezha <folder> [flags]', FLAGS));
    return 0;
  }
  const { progress, open } = recordedFolder(positionals, values, stops);
  const options = await open({
    withoutEdges: values['without.edges'],
    trainingShare: values['training.share'],
    ...(values.detectors !== undefined && { detectors: load(values.detectors) as object }),
  });
  const result = await backtest({ ...options, seed: values.seed });
  progress.end();
  process.stdout.write(renderTable(result));
  await writeReports(result, { json: values.out, html: values.html });
  return 0;
}

await runProgram('bench-nezha', main);
