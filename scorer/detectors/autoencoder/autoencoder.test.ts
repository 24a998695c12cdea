import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeAutoencoder } from './codec.ts';
import { saveModel } from './model-file.ts';
import { Random } from '../../numeric/random.ts';
import { Autoencoder } from './autoencoder.ts';
import { autoencoderShape, initialWeights } from './weights.ts';

const shape = autoencoderShape(4, 3);
const weights = initialWeights(shape, 1);
const bytes = encodeAutoencoder(weights);
const SIZE = 36;
const COUNT = 21;
const random = new Random(1);
const data = Float32Array.from({ length: COUNT * SIZE }, () => random.uniform());
const mask = Float32Array.from({ length: COUNT * SIZE }, () => Number(random.uniform() > 0.1));

const directory = mkdtempSync(join(tmpdir(), 'lorikeet-autoencoder-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('Autoencoder', () => {
  it('gives each window the same whatever it is batched with', async () => {
    const whole = await Autoencoder.load(bytes, { chunk: 1000 });
    const parts = await Autoencoder.load(bytes, { chunk: 8, threads: 2 });
    const expected = await whole.reconstruct(data, mask, COUNT);
    const chunked = await parts.reconstruct(data, mask, COUNT);
    expect(expected).toHaveLength(COUNT * SIZE);
    expect(expected.every((value) => value > 0 && value < 1)).toBe(true);
    for (const [i, value] of chunked.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    const last = (COUNT - 1) * SIZE;
    const alone = await whole.reconstruct(data.subarray(last), mask.subarray(last), 1);
    for (const [i, value] of alone.entries()) expect(value).toBeCloseTo(expected[last + i]!, 5);
    await Promise.all([whole.close(), parts.close()]);
  });

  it('writes into a given buffer and leaves the rest of it alone', async () => {
    const autoencoder = await Autoencoder.load(bytes);
    const into = new Float32Array(COUNT * SIZE + 5).fill(-1);
    const result = await autoencoder.reconstruct(data, mask, COUNT, into);
    expect(result).toBe(into);
    expect(Array.from(into.subarray(0, COUNT * SIZE))).toEqual(
      Array.from(await autoencoder.reconstruct(data, mask, COUNT)),
    );
    expect(Array.from(into.subarray(COUNT * SIZE))).toEqual([-1, -1, -1, -1, -1]);
    await autoencoder.close();
  });

  it('loads what was saved', async () => {
    const path = join(directory, 'base.onnx');
    const trained = { from: '2024-01-01T00:00:00Z', to: '2024-01-02T00:00:00Z', windows: 1, seconds: 1 };
    await saveModel(path, weights, {
      features: ['a', 'b', 'c'],
      windows: ['1m', '5m', '15m'],
      steps: [0, 1, 2, 4],
      trained,
    });
    const [fromFile, fromBytes] = [await Autoencoder.load(path), await Autoencoder.load(bytes)];
    expect(fromFile.shape).toEqual(shape);
    expect(await fromFile.reconstruct(data, mask, COUNT)).toEqual(await fromBytes.reconstruct(data, mask, COUNT));
    await Promise.all([fromFile.close(), fromBytes.close()]);
  });

  it('handles no windows, refuses too few values, and ends once', async () => {
    const autoencoder = await Autoencoder.load(bytes);
    expect(await autoencoder.reconstruct(new Float32Array(), new Float32Array(), 0)).toHaveLength(0);
    await expect(autoencoder.reconstruct(data, mask, COUNT + 1)).rejects.toThrow('22 windows need 792 values, got 756');
    await autoencoder.close();
    await autoencoder.close();
    await expect(autoencoder.reconstruct(data, mask, 1)).rejects.toThrow('closed');
  });

  it('refuses what is no model', async () => {
    await expect(Autoencoder.load(join(directory, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_DAMAGED' });
    await expect(Autoencoder.load(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'ONNX_FORMAT' });
  });
});
