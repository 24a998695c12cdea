/**
 * `npm run bench -- gru-vae`: milliseconds a window of a GRU variational autoencoder, in training and in inference,
 * with one thread; and of one GRU layer, as ONNX's operator and as small operations.
 */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { randomInput } from '../../../scorer/network/gradient-check.ts';
import { gradients } from '../../../scorer/network/gradients.ts';
import { BATCH, Graph } from '../../../scorer/network/graph.ts';
import { gru } from '../../../scorer/network/layers/gru.ts';
import {
  gruParameters,
  initialValues,
  packedParameters,
  recurrentWeights,
} from '../../../scorer/network/parameters.ts';
import { mean } from '../../../scorer/network/reductions.ts';
import { square } from '../../../scorer/network/activations.ts';
import { openGraph } from '../../../scorer/network/session.ts';
import { Random } from '../../../scorer/numeric/random.ts';
import { BatchBuffers } from '../../../scorer/training/batch.ts';
import { NetworkStep } from '../../../scorer/training/network-step.ts';
import { writeResults } from '../../results.ts';
import { GRU_VAE, inferenceGraph, STEPS, UNITS, unrolledGru } from './network.ts';
import { fastest } from '../../statistics.ts';

const FLAGS = {
  rounds: {
    type: 'number',
    default: 40,
    help: 'Runs per figure; the fastest is printed: other load on the machine only adds.',
  },
  ...HELP_FLAG,
} as const satisfies Flags;

const WINDOWS = 1500;

interface Row {
  readonly what: string;
  /** Milliseconds a window. */
  readonly value: number;
}

async function main({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- gru-vae [flags]', FLAGS));
    return 0;
  }
  const rows = [
    ...(await trainingRows(values.rounds)),
    ...(await inferenceRows(values.rounds)),
    ...(await operatorRows(values.rounds)),
  ];
  for (const { what, value } of rows) process.stdout.write(`${what.padEnd(70)} ${value.toFixed(4).padStart(9)} ms\n`);
  writeResults('gru-vae', rows);
  return 0;
}

async function trainingRows(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const batch of [32, 64, 256]) {
    const step = await NetworkStep.open(GRU_VAE, initialValues(GRU_VAE.layout, 1), {}, 1);
    const buffers = new BatchBuffers(GRU_VAE.inputs, batch);
    const indices = Uint32Array.from({ length: batch }, (_, index) => index);
    const random = new Random(1);
    const source = { count: batch, fill: () => buffers.floats('x').set(windows(batch)) };
    const milliseconds = await fastest(rounds, () => step.run(buffers.load(source, indices, random), 1e-3));
    await step.close();
    rows.push({ what: `training, batches of ${batch}, a window`, value: milliseconds / batch });
  }
  return rows;
}

async function inferenceRows(rounds: number): Promise<Row[]> {
  const session = await openGraph(inferenceGraph(), 'gru_vae');
  const rows: Row[] = [];
  const one = await fastest(rounds * 10, () => session.run(feedsOf(1)));
  rows.push({ what: 'inference, one window', value: one });
  for (const chunk of [WINDOWS, 256, 64, 32]) {
    const milliseconds = await fastest(rounds, () => runInChunks(session, chunk));
    rows.push({ what: `inference, ${WINDOWS} windows in runs of ${chunk}, a window`, value: milliseconds / WINDOWS });
  }
  await session.release();
  return rows;
}

async function runInChunks(session: InferenceSession, chunk: number): Promise<void> {
  for (let start = 0; start < WINDOWS; start += chunk) {
    await session.run(feedsOf(Math.min(chunk, WINDOWS - start)));
  }
}

/** One GRU layer: ONNX's operator with the gradient of scorer/network/layers, and small operations. */
async function operatorRows(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const batch of [1, 64, WINDOWS]) {
    for (const isUnrolled of [false, true]) {
      for (const isTraining of [false, true]) {
        const session = await openGraph(layerGraph(isUnrolled, isTraining), 'layer');
        const weights = initialValues(gruParameters('layer', 1, UNITS), 1);
        const feeds = { ...feedsOf(batch), weights: new Tensor('float32', weights, [weights.length]) };
        const milliseconds = await fastest(rounds, () => session.run(feeds));
        await session.release();
        const what = `${isUnrolled ? 'small operations' : "ONNX's operator"}, ${isTraining ? 'with gradient' : 'forward'}`;
        rows.push({ what: `one GRU layer, ${what}, batch ${batch}, a window`, value: milliseconds / batch });
      }
    }
  }
  return rows;
}

function layerGraph(isUnrolled: boolean, isTraining: boolean): Graph {
  const graph = new Graph();
  const x = graph.input('x', [BATCH, STEPS, 1]);
  const { parameters } = packedParameters(graph, gruParameters('layer', 1, UNITS));
  const weights = recurrentWeights(parameters, 'layer');
  const states = isUnrolled ? unrolledGru(x, weights) : gru(x, weights).hidden;
  if (!isTraining) return graph.output('states', states);
  for (const [index, gradient] of gradients(mean(square(states)), parameters.all()).entries()) {
    graph.output(`gradient${index}`, gradient);
  }
  return graph;
}

function feedsOf(count: number): { x: Tensor } {
  return { x: new Tensor('float32', windows(count), [count, STEPS, 1]) };
}

const SERIES = randomInput([WINDOWS, STEPS, 1], { low: 0, high: 1 }).data;

function windows(count: number): Float32Array {
  return SERIES.subarray(0, count * STEPS);
}

await runProgram('bench-gru-vae', main);
