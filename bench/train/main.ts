/**
 * Measures training: of a model, of one step compared with the engine's peak and with TensorFlow.js, and the cost of
 * learning per service.
 */
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { parameterCount } from '../../scorer/detectors/autoencoder/weights.ts';
import { ProgressBar } from '../../scorer/learning/progress.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { train } from '../../scorer/training/trainer.ts';
import { writeResults } from '../results.ts';
import { MATRIX_OPERATIONS, matrixProduct, type Subject, timed, trainingStep } from './engine.ts';
import { learningCost } from './learning-run.ts';
import { tfjsStep } from './tfjs.ts';
import { BATCH, mixtures, operationsOfStep, shippedShape } from './workload.ts';

const FLAGS = {
  windows: {
    type: 'number',
    default: 16_000,
    help: 'Windows to train a model on. The default is the maximum of the product.',
  },
  services: { type: 'number', default: 28, help: 'Services for which to learn one day.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const ROUNDS = 15;
/** Fewer, because TensorFlow.js takes seconds per step. */
const TFJS_ROUNDS = 3;
const THREADS = [1, 2];

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

async function main({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- train [flags]', FLAGS));
    return 0;
  }
  const rows = [...(await stepRows()), ...(await modelRows(values.windows)), ...(await learningRows(values.services))];
  for (const { what, value, unit } of rows)
    process.stdout.write(`${what.padEnd(70)} ${String(value).padStart(9)} ${unit}\n`);
  writeResults('train', rows);
  return 0;
}

/** Measures one step, the matrix product and TensorFlow.js, in turn. */
async function stepRows(): Promise<Row[]> {
  const shape = shippedShape();
  const windows = mixtures(shape, BATCH);
  const rows: Row[] = [];
  for (const threads of THREADS) {
    const [step, product] = [await trainingStep(shape, windows, threads), await matrixProduct(threads)];
    const [stepSeconds, productSeconds] = await inTurn([step, product], ROUNDS);
    const [reached, peak] = [operationsOfStep(shape) / stepSeconds! / 1e9, MATRIX_OPERATIONS / productSeconds! / 1e9];
    const on = `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    rows.push(
      row(`step of ${BATCH} windows, ${parameterCount(shape)} parameters, ${on}`, 1000 * stepSeconds!, 'ms'),
      row(`step, ${on}`, reached, 'GFLOP/s'),
      row(`matrix product, ${on}`, peak, 'GFLOP/s'),
      row(`step as a share of the matrix product, ${on}`, reached / peak, '1'),
    );
  }
  const [own, peer] = [await trainingStep(shape, windows, 1), await tfjsStep(shape, windows)];
  if (peer === undefined) {
    await own.close();
    return rows;
  }
  const [ownSeconds, peerSeconds] = await inTurn([own, peer], TFJS_ROUNDS);
  rows.push(
    row('step, TensorFlow.js on the CPU', 1000 * peerSeconds!, 'ms'),
    row("step, TensorFlow.js' time divided by Lorikeet's", peerSeconds! / ownSeconds!, '1'),
  );
  return rows;
}

/** The median time of each subject. All take turns, so that other load of the machine affects them equally. */
async function inTurn(subjects: readonly Subject[], rounds: number): Promise<number[]> {
  const times = subjects.map((): number[] => []);
  try {
    for (const subject of subjects) await subject.run();
    for (let round = 0; round < rounds; round++) {
      for (const [index, subject] of subjects.entries()) times[index]!.push(await subject.run());
    }
  } finally {
    for (const subject of subjects) await subject.close();
  }
  return times.map(median);
}

async function modelRows(count: number): Promise<Row[]> {
  const shape = shippedShape();
  const windows = mixtures(shape, count);
  const bar = new ProgressBar(process.stderr);
  let epochs = 0;
  const seconds = await timed(async () => {
    const { steps, features } = shape;
    const result = await train(windows, {
      steps,
      features,
      network: shape,
      epochs: 60,
      patience: 8,
      noise: 0.02,
      dropout: 0.05,
      onProgress: ({ epoch, epochs: of }) => bar.update('train', epoch / of, `epoch ${epoch}`),
    });
    epochs = result.history.length;
  });
  bar.end();
  return [row(`model on ${count} windows, ${epochs} epochs, 1 thread`, seconds, 's')];
}

async function learningRows(services: number): Promise<Row[]> {
  const { seconds, cpuSeconds, peakMb, queries } = await learningCost(services);
  const day = `a day of ${services} services learned`;
  return [
    row(day, seconds, 's'),
    row(`${day}, processor time`, cpuSeconds, 's'),
    row(`${day}, peak memory`, peakMb, 'MB'),
    row(`${day}, queries`, queries, '1'),
  ];
}

function row(what: string, value: number, unit: string): Row {
  return { what, value: Number(value.toPrecision(3)), unit };
}

await runProgram('bench-train', main);
