import { describe, expect, it } from 'vitest';
import { autoencoderNetwork } from '../detectors/autoencoder/graphs.ts';
import { autoencoderShape } from '../detectors/autoencoder/weights.ts';
import { Random } from '../numeric/random.ts';
import { BatchBuffers } from './batch.ts';
import { corrupt, type Corruption, windowBatches, windowSource } from './windows.ts';

const shape = autoencoderShape(2, 3);
const SIZE = 18;
const data = Float32Array.from({ length: 4 * SIZE }, (_, i) => i);
const mask = Uint8Array.from({ length: 4 * SIZE }, (_, i) => i % 2);

describe('windowBatches', () => {
  const { inputs } = autoencoderNetwork(shape);
  const source = (corruption: Corruption) =>
    windowBatches(windowSource({ data, mask, count: 4 }, shape), shape, corruption);
  const expected = Float32Array.from([...data.subarray(3 * SIZE), ...data.subarray(SIZE, 2 * SIZE)]);

  it('load the windows that are asked for, in that order', () => {
    const { x, mask: marks } = new BatchBuffers(inputs, 3).load(source({}), Uint32Array.of(3, 1), undefined);
    expect(x!.dims).toEqual([2, 3, 2, 3]);
    expect(x!.data).toEqual(expected);
    expect((marks!.data as Float32Array).slice(0, 4)).toEqual(Float32Array.of(0, 1, 0, 1));
  });

  it('corrupt in training what the network sees, and not the target', () => {
    const load = (random?: Random) =>
      new BatchBuffers(inputs, 3).load(source({ noise: 0.1, dropout: 0.5 }), Uint32Array.of(3, 1), random);
    const trained = load(new Random(1));
    expect(trained['target']!.data).toEqual(expected);
    expect((trained['target_mask']!.data as Float32Array).slice(0, 4)).toEqual(Float32Array.of(0, 1, 0, 1));
    expect(trained['x']!.data).not.toEqual(expected);
    expect(trained['mask']!.data).not.toEqual(trained['target_mask']!.data);
    expect(load()['x']!.data).toEqual(expected);
  });
});

describe('corrupt', () => {
  const filled = (count: number) => ({
    data: new Float32Array(400 * SIZE).fill(0.5),
    mask: new Float32Array(400 * SIZE).fill(1),
    count,
  });

  it('adds noise of the given deviation to the windows in use only', () => {
    const buffer = filled(300);
    corrupt(buffer, shape, new Random(1), { noise: 0.1 });
    const used = buffer.data.subarray(0, 300 * SIZE);
    const deviation = Math.sqrt(used.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / used.length);
    expect(deviation).toBeGreaterThan(0.09);
    expect(deviation).toBeLessThan(0.11);
    expect(buffer.data.subarray(300 * SIZE).every((value) => value === 0.5)).toBe(true);
    expect(buffer.mask.every((mark) => mark === 1)).toBe(true);
  });

  it('hides whole features, in about the given share of the windows', () => {
    const buffer = filled(400);
    corrupt(buffer, shape, new Random(1), { dropout: 0.25 });
    let hidden = 0;
    for (let window = 0; window < 400; window++) {
      for (let feature = 0; feature < 3; feature++) {
        const marks = Array.from({ length: 6 }, (_, row) => buffer.mask[window * SIZE + row * 3 + feature]!);
        expect(new Set(marks).size).toBe(1);
        hidden += 1 - marks[0]!;
      }
    }
    expect(hidden / 1200).toBeGreaterThan(0.2);
    expect(hidden / 1200).toBeLessThan(0.3);
  });
});

describe('Random', () => {
  it('draws evenly, normally, and shuffles without losing anything', () => {
    const random = new Random(42);
    const draws = Array.from({ length: 20_000 }, () => random.uniform());
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const draw of draws) tenths[Math.floor(draw * 10)]!++;
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200);
    const normals = Array.from({ length: 20_000 }, () => random.normal());
    const mean = normals.reduce((sum, x) => sum + x, 0) / normals.length;
    const beyondTwo = normals.filter((x) => Math.abs(x) > 2).length / normals.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.01);
    const order = Uint32Array.from({ length: 50 }, (_, i) => i);
    random.shuffle(order);
    expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});
