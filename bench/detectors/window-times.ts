import { gruVaeInference, gruVaeLayout, gruVaeNetwork } from '../../scorer/detectors/gru-vae/network.ts';
import { Reconstruction } from '../../scorer/detectors/sequence/reconstruction.ts';
import { initialValues } from '../../scorer/network/parameters.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { BatchBuffers } from '../../scorer/training/batch.ts';
import { NetworkStep } from '../../scorer/training/network-step.ts';
import { renderRows, type Table } from './results.ts';
import { fastest } from '../statistics.ts';

/** The paper's network. */
const SHAPE = { window: 32, hidden: 16, latent: 8 } as const;
const WINDOWS = 1500;
const BATCH = 64;
/** Runs of a figure; the fastest counts, because other load on the machine only adds. */
const ROUNDS = 60;

/** Milliseconds a window of `gru_vae`'s network: one window at a time, many at once, and in training. One thread. */
export async function windowTimes(): Promise<Table> {
  const random = new Random(1);
  const data = Float32Array.from({ length: WINDOWS * SHAPE.window }, () => random.uniform());
  const weights = initialValues(gruVaeLayout(SHAPE), 1);
  const network = await Reconstruction.open(gruVaeInference(SHAPE, weights), 'gru_vae', SHAPE.window, 1);
  const one = data.subarray(0, SHAPE.window);
  const streaming = await fastest(10 * ROUNDS, () => network.reconstruct(one, 1));
  const batched = (await fastest(ROUNDS, () => network.reconstruct(data, WINDOWS))) / WINDOWS;
  await network.close();
  const training = await trainingTime(data, weights);
  const rows = [
    ['streaming: one window', '6.64', streaming],
    [`batched: ${WINDOWS} windows`, '0.22', batched],
    [`training: batches of ${BATCH}`, '0.29', training],
  ] as const;
  return {
    name: 'window times',
    markdown:
      'Milliseconds a window of the network of `gru_vae`, one thread. The paper used another machine.\n\n' +
      renderRows(
        ['', 'paper', 'measured'],
        rows.map(([what, paper, value]) => [what, paper, value.toFixed(3)]),
      ),
  };
}

async function trainingTime(data: Float32Array, weights: Float32Array): Promise<number> {
  const network = gruVaeNetwork(SHAPE);
  const step = await NetworkStep.open(network, weights, {}, 1);
  const buffers = new BatchBuffers(network.inputs, BATCH);
  const indices = Uint32Array.from({ length: BATCH }, (_, index) => index);
  const random = new Random(1);
  const source = {
    count: BATCH,
    fill: () => buffers.floats('x').set(data.subarray(0, BATCH * SHAPE.window)),
  };
  const milliseconds = await fastest(ROUNDS, () => step.run(buffers.load(source, indices, random), 1e-3));
  await step.close();
  return milliseconds / BATCH;
}
