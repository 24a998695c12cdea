/**
 * `npm run bench:networks -- <folder>`: what the shape of the network rests on (docs/adr/0003-linear-network.md), on a folder of
 * recorded faults, each shape trained anew, with and without edges, and PCA in its place beside it.
 */
import { type Flags, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { backtest } from '../../scorer/backtest/backtest.ts';
import { COLUMNS } from '../../scorer/backtest/columns.ts';
import type { Figures } from '../../scorer/backtest/figures.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { TRAINING_FLAGS } from '../../scorer/commands/flags.ts';
import { autoencoderShape, parameterCount } from '../../scorer/detectors/autoencoder-weights.ts';
import { NETWORK } from '../../scorer/model-training.ts';
import type { TrainingOptions } from '../../scorer/training/trainer.ts';
import { FOLDER_FLAGS, recordedFolder } from '../nezha/recorded-folder.ts';
import { writeResults } from '../results.ts';

const FLAGS = { ...TRAINING_FLAGS, ...FOLDER_FLAGS } as const satisfies Flags;

const SMALL = { maps: 4, bottleneck: 32 } as const;
const LARGE = { maps: NETWORK.maps, bottleneck: NETWORK.bottleneck } as const;
const BENT = { slope: 0.2, output: 'sigmoid' } as const;
const STRAIGHT = { slope: NETWORK.slope, output: NETWORK.output } as const;

/** The last is the one that is taken. */
const NETWORKS: Readonly<Record<string, NonNullable<TrainingOptions['network']>>> = {
  'sigmoid, 4 maps, code 32': { ...BENT, ...SMALL },
  'linear, 4 maps, code 32': { ...STRAIGHT, ...SMALL },
  'sigmoid, 8 maps, code 64': { ...BENT, ...LARGE },
  'linear, 8 maps, code 64': { ...STRAIGHT, ...LARGE },
};

interface Row {
  readonly network: string;
  readonly edges: boolean;
  /** Weights; none where the network isn't one. */
  readonly parameters?: number;
  readonly figures: Figures;
}

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench:networks -- <folder> [flags]', FLAGS));
    return 0;
  }
  const { progress, open } = recordedFolder(positionals, values, stops);
  const rows: Row[] = [];
  for (const edges of [true, false]) {
    const options = await open({ withoutEdges: !edges });
    rows.push(...(await compare({ ...options, seed: values.seed, epochs: values.epochs }, edges)));
  }
  progress.end();
  process.stdout.write(table(rows));
  writeResults('networks', rows);
  return 0;
}

/** A row for PCA, which learns from the same windows whatever the network, and one for each network. */
async function compare(options: BacktestOptions, edges: boolean): Promise<Row[]> {
  const networks: Row[] = [];
  let pca: Figures | undefined;
  for (const [name, network] of Object.entries(NETWORKS)) {
    const { evaluation, baselines } = await backtest({ ...options, network });
    const shape = autoencoderShape(options.config.steps.length, options.set.features.length, network);
    networks.push({ network: name, edges, parameters: parameterCount(shape), figures: evaluation.figures });
    pca ??= baselines.pca.figures;
  }
  return pca === undefined ? networks : [{ network: 'PCA reconstruction', edges, figures: pca }, ...networks];
}

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const head = ['network', 'edges', 'weights', ...COLUMNS.map(([title]) => title)];
  const body = rows.map(({ network, edges, parameters, figures }) =>
    line([network, edges ? 'yes' : 'no', String(parameters ?? '-'), ...COLUMNS.map(([, cell]) => cell(figures))]),
  );
  return `${line(head)}${line(head.map(() => '---'))}${body.join('')}`;
}

await runProgram('bench-networks', main);
