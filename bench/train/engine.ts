import { Tensor } from 'onnxruntime-node';
import { autoencoderNetwork } from '../../scorer/detectors/autoencoder/graphs.ts';
import { type AutoencoderShape, initialWeights } from '../../scorer/detectors/autoencoder/weights.ts';
import { Graph } from '../../scorer/network/graph.ts';
import { matmul } from '../../scorer/network/layers.ts';
import { openGraph } from '../../scorer/network/session.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { BatchBuffers } from '../../scorer/training/batch.ts';
import { NetworkStep } from '../../scorer/training/network-step.ts';
import { windowBatches, type Windows, windowSource } from '../../scorer/training/windows.ts';
import { BATCH } from './workload.ts';

/** An operation to measure repeatedly. Returns the duration of one run in seconds. */
export interface Subject {
  readonly run: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Large enough for the engine's blocking to be effective, small enough for several runs per second. */
const MATRIX = 768;
export const MATRIX_OPERATIONS = 2 * MATRIX ** 3;

/** The engine's peak performance: one product of two square matrices. */
export async function matrixProduct(threads: number): Promise<Subject> {
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [MATRIX, MATRIX]));
  graph.output('c', matmul(a!, b!));
  const session = await openGraph(graph, 'matrix_product', threads);
  const tensor = () => new Tensor('float32', new Float32Array(MATRIX ** 2).fill(0.5), [MATRIX, MATRIX]);
  const [feeds, fetches] = [{ a: tensor(), b: tensor() }, { c: tensor() }];
  return { run: () => timed(() => session.run(feeds, fetches)), close: () => session.release() };
}

/** One training step. */
export async function trainingStep(shape: AutoencoderShape, windows: Windows, threads: number): Promise<Subject> {
  const network = autoencoderNetwork(shape);
  const step = await NetworkStep.open(network, initialWeights(shape, 1).values, {}, threads);
  const indices = Uint32Array.from({ length: BATCH }, (_, index) => index);
  const source = windowBatches(windowSource(windows, shape), shape, {});
  const batch = new BatchBuffers(network.inputs, BATCH).load(source, indices, new Random(1));
  return { run: () => timed(() => step.run(batch, 1e-3)), close: () => step.close() };
}

export async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
