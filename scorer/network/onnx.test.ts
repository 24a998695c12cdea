import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { OnnxFormatError, readModel } from './onnx-reader.ts';
import { encodeModel, type OnnxModel } from './onnx.ts';

const weights = { name: 'weights', shape: [2, 3], data: Float32Array.of(1, -2, 3, 0.5, Number.NaN, -0) };
const axes = { name: 'axes', shape: [1], data: BigInt64Array.of(-1n) };

const model: OnnxModel = {
  name: 'example',
  nodes: [
    { operator: 'Mul', inputs: ['x', 'weights'], outputs: ['product'], attributes: {} },
    { operator: 'LeakyRelu', inputs: ['product'], outputs: ['y'], attributes: { alpha: { float: 0.5 } } },
    { operator: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['sum'], attributes: { keepdims: { int: 0 } } },
    { operator: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: { ints: [1, 0] } } },
  ],
  initializers: [weights, axes],
  inputs: [{ name: 'x', shape: ['rows', 3], type: 'float32' }],
  outputs: [
    { name: 'y', shape: [2, 3], type: 'float32' },
    { name: 'sum', shape: ['rows'], type: 'float32' },
    { name: 'turned', shape: [3, 'rows'], type: 'float32' },
  ],
  metadata: { purpose: 'a test, mit Umlaut: ü' },
};

describe('encodeModel', () => {
  it('writes what onnxruntime reads: tensors, attributes of each type, free sizes', async () => {
    const session = await InferenceSession.create(encodeModel(model));
    expect(session.inputMetadata).toMatchObject([{ name: 'x', shape: ['rows', 3], type: 'float32' }]);
    const result = await session.run({ x: new Tensor('float32', Float32Array.of(1, 1, 1, -1, 2, 3), [2, 3]) });
    expect(Array.from(result['y']!.data as Float32Array)).toEqual([1, -1, 3, -0.25, Number.NaN, -0]);
    expect(Array.from(result['sum']!.data as Float32Array)).toEqual([3, 4]);
    expect(Array.from(result['turned']!.data as Float32Array)).toEqual([1, -1, 1, 2, 1, 3]);
    await session.release();
  });

  it('writes what readModel reads back, bit for bit', () => {
    const { tensors, metadata } = readModel(encodeModel(model));
    expect([...tensors.keys()]).toEqual(['weights']);
    expect(tensors.get('weights')!.shape).toEqual([2, 3]);
    expect(Buffer.from(tensors.get('weights')!.data.buffer)).toEqual(Buffer.from(weights.data.buffer));
    expect(metadata).toEqual(new Map([['purpose', 'a test, mit Umlaut: ü']]));
  });
});

describe('readModel', () => {
  const bytes = encodeModel(model);

  it('never takes a file that was cut off for a whole one', () => {
    for (let length = 1; length < bytes.length; length++) {
      let read;
      try {
        read = readModel(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(OnnxFormatError);
        continue;
      }
      // Cut between two fields of the outermost message: what came after is missing.
      expect(read.metadata.size).toBe(0);
    }
  });

  it.each<[string, Uint8Array]>([
    ['text', new TextEncoder().encode('this is not a model')],
    ['an endless number', new Uint8Array(20).fill(0xff)],
    ['a number where a message belongs', Uint8Array.of(7 << 3, 1)],
  ])('refuses %s', (_name, garbage) => {
    expect(() => readModel(garbage)).toThrow(OnnxFormatError);
  });
});
