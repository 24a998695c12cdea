import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Checkpoint, loadCheckpoint, removeCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { Random } from '../numeric/random.ts';
import type { TrainingState } from './train-network.ts';
import { train, type TrainingOptions } from './trainer.ts';
import type { Windows } from './windows.ts';

const options: TrainingOptions = {
  steps: 3,
  features: 4,
  network: { filters: 4, maps: 2, bottleneck: 5 },
  epochs: 12,
  batch: 16,
  noise: 0.02,
  dropout: 0.1,
  patience: 4,
};

function randomWindows(count: number): Windows {
  const random = new Random(3);
  const length = count * 3 * 3 * 4;
  return { data: Float32Array.from({ length }, () => random.uniform()), mask: new Uint8Array(length).fill(1), count };
}

const windows = randomWindows(90);

describe('a checkpoint', () => {
  let path: string;
  beforeEach(() => void (path = join(mkdtempSync(join(tmpdir(), 'lorikeet-checkpoint-')), 'fleet.checkpoint')));
  afterEach(() => rmSync(join(path, '..'), { recursive: true }));

  const checkpoint = (state: TrainingState): Checkpoint => ({
    setup: 'a',
    fromMs: 1,
    toMs: 2,
    windows: 'b',
    state,
  });

  /** A run that is broken off when it has saved its state after epoch 6. */
  async function brokenOff(): Promise<void> {
    const controller = new AbortController();
    const onState = async (state: TrainingState) => {
      await saveCheckpoint(path, checkpoint(state));
      if (state.history.length === 6) controller.abort(new Error('killed'));
    };
    const run = train(windows, { ...options, stateEvery: 2, onState, signal: controller.signal });
    await expect(run).rejects.toThrow('killed');
  }

  it('lets a run that was broken off end with the very weights of one that was not', async () => {
    await brokenOff();
    const saved = await loadCheckpoint(path);
    expect(saved?.state.history).toHaveLength(6);
    const resumed = await train(windows, { ...options, resume: saved?.state });
    const whole = await train(windows, options);
    expect(resumed.weights.values).toEqual(whole.weights.values);
    expect(resumed.history).toEqual(whole.history);
    expect(resumed.bestEpoch).toBe(whole.bestEpoch);
  });

  it('is refused by a run with other windows', async () => {
    await brokenOff();
    const saved = await loadCheckpoint(path);
    const run = train(randomWindows(40), { ...options, resume: saved?.state });
    await expect(run).rejects.toMatchObject({ code: 'TRAINING_DATA' });
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['altered', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)])],
    ['empty', () => Buffer.alloc(0)],
  ])('that was %s counts as none', async (_, damage) => {
    await brokenOff();
    writeFileSync(path, damage(readFileSync(path)));
    expect(await loadCheckpoint(path)).toBeUndefined();
  });

  it('is gone when it was removed', async () => {
    await brokenOff();
    await removeCheckpoint(path);
    expect(await loadCheckpoint(path)).toBeUndefined();
    await removeCheckpoint(path);
  });
});
