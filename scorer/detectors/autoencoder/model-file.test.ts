import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Autoencoder } from './autoencoder.ts';
import { autoencoderShape, initialWeights } from './weights.ts';
import { decodeAutoencoder, encodeAutoencoder } from './codec.ts';
import { cardPath, loadModel, ModelFileError, saveModel } from './model-file.ts';
import type { ModelCardDraft } from './model-card.ts';

const weights = initialWeights(autoencoderShape(3, 2, { filters: 4, maps: 2, bottleneck: 3 }), 1);
const draft: ModelCardDraft = {
  features: ['requests', 'latency'],
  windows: ['1m', '5m', '15m'],
  steps: [0, 1, 2],
  trained: { from: '2022-08-22T08:10:00Z', to: '2022-08-22T23:59:00Z', windows: 9500, seconds: 12.5 },
  validation_loss: 0.002,
};

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lorikeet-model-'));
  path = join(directory, 'models', 'base.onnx');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('saveModel and loadModel', () => {
  it('give back what was saved, and leave two files', async () => {
    const card = await saveModel(path, weights, draft);
    expect(card).toMatchObject({ ...draft, format: 1, parameters: weights.values.length });
    expect(readdirSync(join(directory, 'models')).sort()).toEqual(['base.json', 'base.onnx']);
    const loaded = await loadModel(path);
    expect(loaded!.card).toEqual(card);
    expect(loaded!.weights).toEqual(weights);
  });

  it('replace an older model', async () => {
    await saveModel(path, weights, draft);
    const newer = initialWeights(weights.shape, 2);
    await saveModel(path, newer, { ...draft, calibration: { threshold: 2 } });
    const loaded = await loadModel(path);
    expect(loaded!.weights).toEqual(newer);
    expect(loaded!.card.calibration).toEqual({ threshold: 2 });
  });

  it('say that there is no model where there is none', async () => {
    expect(await loadModel(path)).toBeUndefined();
  });

  it('refuse a card that describes another network, before anything is written', async () => {
    await expect(saveModel(path, weights, { ...draft, steps: [0, 1] })).rejects.toThrow('describes 3 x 2 x 2 inputs');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leave no temporary file when writing fails', async () => {
    await saveModel(join(directory, 'base.onnx'), weights, draft);
    // A file where a directory is needed.
    const impossible = join(directory, 'base.onnx', 'inner.onnx');
    await expect(saveModel(impossible, weights, draft)).rejects.toThrow('base.onnx');
    expect(readdirSync(directory).sort()).toEqual(['base.json', 'base.onnx']);
  });

  it.each<[string, (path: string) => void, string]>([
    ['one altered byte', (p) => alter(p, (bytes) => (bytes[bytes.length >> 1]! ^= 1)), 'sha256 is'],
    ['a file cut off', (p) => writeFileSync(p, readFileSync(p).subarray(0, 500)), 'sha256 is'],
    ['an empty file', (p) => writeFileSync(p, ''), 'sha256 is'],
    ['a missing file', (p) => rmSync(p), 'missing, though its card'],
    ['a missing card', (p) => rmSync(cardPath(p)), 'is missing'],
    ['a card cut off', (p) => writeFileSync(cardPath(p), readFileSync(cardPath(p)).subarray(0, 40)), 'is malformed'],
    ['a card of another format', (p) => writeFileSync(cardPath(p), '{"format":2}'), 'is malformed'],
  ])('name a model damaged by %s', async (_name, damage, message) => {
    await saveModel(path, weights, draft);
    damage(path);
    const error: unknown = await loadModel(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toMatchObject({ code: 'MODEL_DAMAGED', path });
    expect((error as Error).message).toContain(message);
    await expect(Autoencoder.load(path)).rejects.toMatchObject({ code: 'MODEL_DAMAGED' });
  });

  function alter(file: string, change: (bytes: Uint8Array) => void): void {
    const bytes = readFileSync(file);
    change(bytes);
    writeFileSync(file, bytes);
  }
});

describe('encodeAutoencoder', () => {
  it('keeps every weight and the network', () => {
    expect(decodeAutoencoder(encodeAutoencoder(weights))).toEqual(weights);
  });
});
