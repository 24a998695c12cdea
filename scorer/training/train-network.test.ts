import { describe, expect, it } from 'vitest';
import { square } from '../network/activations.ts';
import { add, reshape, scale, sub } from '../network/arithmetic.ts';
import { GraphError } from '../network/graph.ts';
import { dense } from '../network/layers.ts';
import { dropout } from '../network/layers/dropout.ts';
import { embedding } from '../network/layers/embedding.ts';
import { gru } from '../network/layers/gru.ts';
import { lstm } from '../network/layers/lstm.ts';
import { softmaxCrossEntropy } from '../network/layers/softmax.ts';
import { reparameterise, standardNormalDivergence } from '../network/layers/variational.ts';
import {
  denseParameters,
  embeddingParameters,
  gruParameters,
  lstmParameters,
  recurrentWeights,
} from '../network/parameters.ts';
import { mean } from '../network/reductions.ts';
import { repeat, unsqueeze } from '../network/shaping.ts';
import type { TrainableNetwork } from '../network/training-graph.ts';
import { Random } from '../numeric/random.ts';
import { type BatchBuffers, type BatchSource } from './batch.ts';
import { type NetworkTrainingOptions, trainNetwork, type TrainingState } from './train-network.ts';

const STEPS = 6;
const TOKENS = 4;

/** Which was the second token? An LSTM has to keep it. */
const classifier: TrainableNetwork = {
  name: 'classifier',
  layout: [
    ...embeddingParameters('token', TOKENS, 5),
    ...lstmParameters('memory', 5, 10),
    ...denseParameters('output', 10, TOKENS),
  ],
  inputs: [
    { name: 'tokens', shape: [STEPS], type: 'int64' },
    { name: 'label', shape: [], type: 'int64' },
    { name: 'mask', shape: [10], noise: { dropout: 0.2 } },
  ],
  loss: ({ tokens, label, mask }, parameters) => {
    const embedded = embedding(tokens!, parameters.get('token.table'));
    const { last } = lstm(embedded, recurrentWeights(parameters, 'memory'));
    const hidden = dropout(last.hidden, mask!);
    const logits = dense(hidden, parameters.get('output.weight'), parameters.get('output.bias'));
    return mean(softmaxCrossEntropy(logits, label!));
  },
};

function sentences(count: number, seed: number): BatchSource {
  const random = new Random(seed);
  const tokens = BigInt64Array.from({ length: count * STEPS }, () => BigInt(Math.floor(TOKENS * random.uniform())));
  return {
    count,
    fill(indices: Uint32Array, buffers: BatchBuffers) {
      const [into, labels] = [buffers.integers('tokens'), buffers.integers('label')];
      for (const [position, index] of indices.entries()) {
        into.set(tokens.subarray(index * STEPS, (index + 1) * STEPS), position * STEPS);
        labels[position] = tokens[index * STEPS + 1]!;
      }
    },
  };
}

/** A variational autoencoder of sines with random phases. */
const autoencoder: TrainableNetwork = {
  name: 'autoencoder',
  layout: [
    ...gruParameters('encoder', 1, 8),
    ...denseParameters('mean', 8, 2),
    ...denseParameters('log_variance', 8, 2),
    ...gruParameters('decoder', 2, 8),
    ...denseParameters('output', 8, 1),
  ],
  inputs: [
    { name: 'x', shape: [8, 1] },
    { name: 'noise', shape: [2], noise: 'normal' },
  ],
  loss: ({ x, noise }, parameters) => {
    const layer = (name: string) => [parameters.get(`${name}.weight`), parameters.get(`${name}.bias`)] as const;
    const { last } = gru(x!, recurrentWeights(parameters, 'encoder'));
    const [codeMean, logVariance] = [dense(last, ...layer('mean')), dense(last, ...layer('log_variance'))];
    const code = repeat(unsqueeze(reparameterise(codeMean, logVariance, noise!), 1), 1, 8);
    const { hidden } = gru(code, recurrentWeights(parameters, 'decoder'));
    const output = reshape(dense(reshape(hidden, ['rows', 8]), ...layer('output')), x!.shape);
    const error = mean(square(sub(output, x!)));
    return add(error, scale(mean(standardNormalDivergence(codeMean, logVariance)), 1e-3));
  },
};

function sines(count: number, seed: number): BatchSource {
  const random = new Random(seed);
  const phases = Float32Array.from({ length: count }, () => 2 * Math.PI * random.uniform());
  return {
    count,
    fill(indices, buffers) {
      const x = buffers.floats('x');
      for (const [position, index] of indices.entries()) {
        for (let step = 0; step < 8; step++)
          x[position * 8 + step] = 0.8 * Math.sin(phases[index]! + (step * Math.PI) / 4);
      }
    },
  };
}

const options: NetworkTrainingOptions = { epochs: 3, batch: 32, learningRate: 0.01, seed: 4 };

describe('trainNetwork', () => {
  it('trains a network of indices, with dropout, to a task of memory', async () => {
    const validation = sentences(200, 2);
    const result = await trainNetwork(classifier, sentences(1000, 1), { ...options, epochs: 25, validation });
    expect(result.history).toHaveLength(25);
    expect(result.history[0]!.validationLoss).toBeGreaterThan(1);
    // Guessing costs ln 4 = 1.39.
    expect(result.validationLoss).toBeLessThan(0.05);
    // Training drops a fifth of the units, validation none.
    expect(result.history[result.bestEpoch - 1]!.trainingLoss).toBeGreaterThan(result.validationLoss!);
  });

  it('trains a variational autoencoder', async () => {
    const { history, validationLoss } = await trainNetwork(autoencoder, sines(600, 1), { ...options, epochs: 40 });
    // Without learning anything: the variance of the sines, 0.32.
    expect(history[0]!.validationLoss).toBeGreaterThan(0.2);
    expect(validationLoss).toBeLessThan(0.08);
  });

  it('gives the same weights for the same seed and others for another', async () => {
    const run = (seed: number) => trainNetwork(autoencoder, sines(150, 1), { ...options, seed });
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    expect(a.values).toEqual(b.values);
    expect(a.history).toEqual(b.history);
    expect(c.values).not.toEqual(a.values);
  });

  it('ends with the same weights when it was broken off and resumed', async () => {
    const examples = sentences(120, 1);
    const states: TrainingState[] = [];
    const onState = async (state: TrainingState) => void states.push(state);
    const whole = await trainNetwork(classifier, examples, { ...options, onState });
    const resumed = await trainNetwork(classifier, examples, { ...options, resume: states[0] });
    expect(states.map(({ history }) => history.length)).toEqual([1, 2, 3]);
    expect(resumed.values).toEqual(whole.values);
    expect(resumed.history).toEqual(whole.history);
    const other = trainNetwork(classifier, sentences(80, 1), { ...options, resume: states[0] });
    await expect(other).rejects.toMatchObject({ code: 'TRAINING_DATA' });
  });

  it('goes on from given weights', async () => {
    const first = await trainNetwork(autoencoder, sines(300, 1), { ...options, epochs: 20 });
    const second = await trainNetwork(autoencoder, sines(300, 1), { ...options, epochs: 1, init: first.values });
    expect(second.history[0]!.trainingLoss).toBeLessThan(first.history[0]!.trainingLoss / 2);
    const wrong = trainNetwork(autoencoder, sines(300, 1), { ...options, init: first.values.subarray(1) });
    await expect(wrong).rejects.toThrow('initial weights');
  });

  it('lowers the learning rate along a cosine where it is asked to', async () => {
    const run = (schedule: 'constant' | 'cosine') => trainNetwork(autoencoder, sines(150, 1), { ...options, schedule });
    const [constant, cosine] = [await run('constant'), await run('cosine')];
    expect(cosine.values).not.toEqual(constant.values);
  });

  it('stops when the validation loss no longer falls', async () => {
    // A rate at which nothing is learned.
    const run = { ...options, learningRate: 0, epochs: 50, patience: 3 };
    const { history, bestEpoch } = await trainNetwork(autoencoder, sines(64, 1), run);
    expect({ epochs: history.length, bestEpoch }).toEqual({ epochs: 3, bestEpoch: 0 });
  });

  it('refuses data and names that it can not use', async () => {
    await expect(trainNetwork(autoencoder, sines(0, 1), options)).rejects.toMatchObject({ code: 'TRAINING_DATA' });
    const reserved = { ...autoencoder, inputs: [{ name: 'weights', shape: [8, 1] }] };
    await expect(trainNetwork(reserved, sines(9, 1), options)).rejects.toThrow(GraphError);
    const wrongType: BatchSource = { count: 9, fill: (_, buffers) => void buffers.integers('x') };
    await expect(trainNetwork(autoencoder, wrongType, options)).rejects.toThrow('the input x is float32');
    const wrongName: BatchSource = { count: 9, fill: (_, buffers) => void buffers.floats('y') };
    await expect(trainNetwork(autoencoder, wrongName, options)).rejects.toThrow('there is no input y');
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const aborted = trainNetwork(autoencoder, sines(9, 1), { ...options, signal: controller.signal });
    await expect(aborted).rejects.toThrow('enough');
  });
});
