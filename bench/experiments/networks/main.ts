/**
 * `npm run bench -- networks <folder> [--seeds=5]`: compares shapes of the network
 * (docs/adr/scorer/0003-network.md), each trained from several seeds, and PCA in its place. The folder has recorded
 * faults as for `npm run bench -- nezha`, evaluated with and without edges, or a history kept by `npm run bench -- sim`.
 */
import { type Flags, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { backtest, type BacktestResult } from '../../../scorer/backtest/backtest.ts';
import { ratio } from '../../../scorer/backtest/report/columns.ts';
import type { Figures } from '../../../scorer/backtest/figures.ts';
import type { BacktestOptions } from '../../../scorer/backtest/session.ts';
import { TRAINING_FLAGS } from '../../../scorer/commands/flags.ts';
import { autoencoderShape, parameterCount } from '../../../scorer/detectors/autoencoder/weights.ts';
import { NETWORK } from '../../../scorer/learning/train-model.ts';
import { quantile } from '../../../scorer/numeric/statistics.ts';
import type { TrainingOptions } from '../../../scorer/training/trainer.ts';
import { FOLDER_FLAGS, recordedFolder } from '../../recorded/recorded-folder.ts';
import { writeResults } from '../../results.ts';
import { backtestOptions, withHistory } from '../../sim/evaluate.ts';
import { inLifeTime } from '../../sim/life-time.ts';
import { isRecording } from '../../sim/recording.ts';

const FLAGS = {
  seeds: { type: 'number', default: 5, help: 'Number of seeds from which to train each shape: 1, 2 and so on.' },
  epochs: TRAINING_FLAGS.epochs,
  ...FOLDER_FLAGS,
} as const satisfies Flags;

const STRAIGHT = { slope: 1, output: 'linear' } as const;
const LARGE = { maps: 8, bottleneck: 64 } as const;

/** The first one is that of the product. */
const NETWORKS: Readonly<Record<string, NonNullable<TrainingOptions['network']>>> = {
  'sigmoid, 4 maps, code 32': NETWORK,
  'linear, 4 maps, code 32': { ...NETWORK, ...STRAIGHT },
  'sigmoid, 8 maps, code 64': { ...NETWORK, ...LARGE },
  'linear, 8 maps, code 64': { ...STRAIGHT, ...LARGE },
};

interface Row {
  readonly network: string;
  readonly edges: boolean;
  /** Weights and seed; none for PCA. */
  readonly parameters?: number;
  readonly seed?: number;
  readonly figures: Figures;
}

/** The results of a shape, over its seeds. */
const COLUMNS: readonly (readonly [string, (figures: Figures) => number])[] = [
  ['recall', ({ recall }) => recall],
  ['false alarms', ({ false_alarms_per_service_day: rate }) => rate],
  ['VUS-PR', ({ vus_pr: vus }) => vus],
  ['root cause @1', ({ root_cause: hits }) => hits.at_1],
  ['@3', ({ root_cause: hits }) => hits.at_3],
  ['at alert @1', ({ root_cause_at_alert: hits }) => hits.at_1],
];

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- networks <folder> [flags]', FLAGS));
    return 0;
  }
  const { path, progress, onProgress, open } = recordedFolder(positionals, stops);
  const rows: Row[] = [];
  if (isRecording(path)) {
    await withHistory(path, stops, async (history) => {
      const options = backtestOptions(path, history, { model: undefined, seed: 1, onProgress });
      rows.push(...(await compareOverSeeds(options, values, { edges: true, inUnits: inLifeTime })));
    });
  } else {
    for (const edges of [true, false]) {
      const options = await open({ withoutEdges: !edges });
      rows.push(...(await compareOverSeeds(options, values, { edges, inUnits: (result) => result })));
    }
  }
  progress.end();
  process.stdout.write(table(rows));
  writeResults(isRecording(path) ? 'networks-sim' : 'networks', rows);
  return 0;
}

interface Comparison {
  readonly edges: boolean;
  /** Converts the figures to the units of the output. */
  readonly inUnits: (result: BacktestResult) => BacktestResult;
}

async function compareOverSeeds(
  options: BacktestOptions,
  { seeds, epochs }: { readonly seeds: number; readonly epochs: number },
  comparison: Comparison,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    rows.push(...(await compare({ ...options, seed, epochs }, seed, comparison)));
  return rows;
}

/** A row for each network, and one for PCA at the first seed: its result does not depend on network and seed. */
async function compare(options: BacktestOptions, seed: number, { edges, inUnits }: Comparison): Promise<Row[]> {
  const networks: Row[] = [];
  let pca: Figures | undefined;
  for (const [name, network] of Object.entries(NETWORKS)) {
    const { evaluation, baselines } = inUnits(await backtest({ ...options, network }));
    const shape = autoencoderShape(options.config.steps.length, options.set.features.length, network);
    networks.push({ network: name, edges, parameters: parameterCount(shape), seed, figures: evaluation.figures });
    pca ??= baselines.find((baseline) => baseline.name === 'pca')?.evaluation.figures;
  }
  if (pca === undefined || seed > 1) return networks;
  return [{ network: 'PCA reconstruction', edges, figures: pca }, ...networks];
}

/** One line for each network: the median over its seeds, and minimum and maximum if they differ. */
function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const head = ['network', 'edges', 'weights', ...COLUMNS.map(([title]) => title)];
  const names = [...new Set(rows.map(({ network }) => network))];
  const body = [true, false].flatMap((edges) =>
    names.flatMap((network) => {
      const seeds = rows.filter((row) => row.edges === edges && row.network === network);
      if (seeds.length === 0) return [];
      const parameters = String(seeds[0]?.parameters ?? '-');
      const cells = COLUMNS.map(([, value]) => spread(seeds.map(({ figures }) => value(figures))));
      return [line([network, edges ? 'yes' : 'no', parameters, ...cells])];
    }),
  );
  return `${line(head)}${line(head.map(() => '---'))}${body.join('')}`;
}

function spread(values: readonly number[]): string {
  const [min, middle, max] = [0, 0.5, 1].map((share) => ratio(quantile(values, share)));
  return min === max ? `${middle}` : `${middle} (${min}-${max})`;
}

await runProgram('bench-networks', main);
