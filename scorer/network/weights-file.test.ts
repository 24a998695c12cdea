import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BATCH, Graph } from './graph.ts';
import { dense } from './layers.ts';
import { denseParameters, initialValues, storedParameters } from './parameters.ts';
import {
  decodeNetwork,
  encodeNetwork,
  loadNetwork,
  NetworkFileError,
  type NetworkFormat,
  saveNetwork,
} from './weights-file.ts';

interface Shape {
  readonly inputs: number;
  readonly note: string;
}

const FORMAT: NetworkFormat<Shape> = {
  name: 'example',
  schema: z.object({ inputs: z.int().positive(), note: z.string() }),
  layout: ({ inputs }) => denseParameters('output', inputs, 2),
};
const shape: Shape = { inputs: 3, note: 'mit Umlaut: ü' };
const values = initialValues(FORMAT.layout(shape), 1);

function inference({ inputs }: Shape): Graph {
  const graph = new Graph();
  const parameters = storedParameters(graph, FORMAT.layout({ ...shape, inputs }), values);
  const x = graph.input('x', [BATCH, inputs]);
  return graph.output('y', dense(x, parameters.get('output.weight'), parameters.get('output.bias')));
}

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lorikeet-network-'));
  path = join(directory, 'models', 'example.onnx');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('saveNetwork and loadNetwork', () => {
  it('give back what was saved, in one file', async () => {
    await saveNetwork(path, FORMAT, inference(shape), shape);
    expect(readdirSync(join(directory, 'models'))).toEqual(['example.onnx']);
    expect(await loadNetwork(path, FORMAT)).toEqual({ metadata: shape, values });
  });

  it('make a file that onnxruntime runs', async () => {
    await saveNetwork(path, FORMAT, inference(shape), shape);
    const session = await InferenceSession.create(path);
    const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 0, 0), [1, 3]) });
    expect([...(y!.data as Float32Array)]).toEqual([...values.subarray(0, 2)]);
    await session.release();
  });

  it('report that there is none', async () => {
    expect(await loadNetwork(path, FORMAT)).toBeUndefined();
  });

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['one altered byte', (bytes) => bytes.fill(bytes[100]! ^ 1, 100, 101)],
    ['an altered digest', (bytes) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1)],
    ['a missing end', (bytes) => bytes.subarray(0, -1)],
    ['a missing beginning', (bytes) => bytes.subarray(1)],
    ['no content', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('this is not a network')],
  ])('name a file with %s', async (_name, damage) => {
    await saveNetwork(path, FORMAT, inference(shape), shape);
    const bytes = readFileSync(path);
    writeFileSync(path, damage(bytes));
    await expect(loadNetwork(path, FORMAT)).rejects.toThrow(NetworkFileError);
    await expect(loadNetwork(path, FORMAT)).rejects.toMatchObject({ code: 'NETWORK_DAMAGED', path });
  });

  it('name a file that is too large before reading it', async () => {
    await saveNetwork(path, FORMAT, inference(shape), shape);
    truncateSync(path, 2 ** 29);
    await expect(loadNetwork(path, FORMAT)).rejects.toThrow('536870912 bytes, more than');
  });

  it('name a whole file of another network', async () => {
    const other: NetworkFormat<Shape> = { ...FORMAT, layout: ({ inputs }) => denseParameters('other', inputs, 2) };
    await saveNetwork(path, FORMAT, inference(shape), shape);
    await expect(loadNetwork(path, other)).rejects.toMatchObject({ code: 'NETWORK_DAMAGED' });
  });
});

describe('decodeNetwork', () => {
  it.each<[string, Shape]>([
    ['expected shape [4,2], got [3,2]', { ...shape, inputs: 4 }],
    ['weights in', { ...shape, inputs: 2 ** 50 }],
    ['lorikeet.network is malformed', { ...shape, inputs: 0.5 }],
  ])('refuses metadata that the weights contradict: %s', (message, metadata) => {
    const bytes = encodeNetwork(FORMAT, inference(shape), metadata);
    expect(() => decodeNetwork(FORMAT, bytes)).toThrow(message);
    expect(() => decodeNetwork(FORMAT, bytes)).toThrow(expect.objectContaining({ code: 'ONNX_FORMAT' }));
  });
});
