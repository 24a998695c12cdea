import { z } from 'zod';
import { inferenceGraph } from './graphs.ts';
import { type AutoencoderShape, type AutoencoderWeights, parameterCount, weightsOf } from './weights.ts';
import { OnnxFormatError, readModel } from '../../network/onnx-reader.ts';
import { encodeModel } from '../../network/onnx.ts';

/** Key of the network's shape in the metadata of the ONNX file. */
const METADATA_KEY = 'lorikeet.network';

const size = z.int().positive();
const shapeSchema: z.ZodType<AutoencoderShape> = z.object({
  channels: size,
  steps: size,
  features: size,
  filters: size,
  maps: size,
  bottleneck: size,
  slope: z.number().min(0).max(1),
  output: z.enum(['sigmoid', 'linear']),
});

/** Encodes the inference model as an ONNX file with its weights: inputs `x` and `mask`, output `reconstruction`. */
export function encodeAutoencoder(weights: AutoencoderWeights): Uint8Array<ArrayBuffer> {
  const metadata = { [METADATA_KEY]: JSON.stringify(weights.shape) };
  return encodeModel(inferenceGraph(weights).toModel('autoencoder', metadata));
}

/**
 * Decodes the weights from an ONNX file that `encodeAutoencoder` wrote, for example to train them further.
 *
 * @throws OnnxFormatError if the bytes aren't such a file
 */
export function decodeAutoencoder(bytes: Uint8Array): AutoencoderWeights {
  const { tensors, metadata } = readModel(bytes);
  const shape = readShape(metadata.get(METADATA_KEY));
  const weights = { shape, values: new Float32Array(parameterCount(shape)) };
  for (const { name, shape: expected, data } of weightsOf(weights)) {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== expected.join()) {
      throw new OnnxFormatError(
        `${name}: expected shape [${expected.join()}], got [${tensor?.shape.join() ?? 'nothing'}]`,
      );
    }
    data.set(tensor.data);
  }
  return weights;
}

function readShape(text: string | undefined): AutoencoderShape {
  if (text === undefined) throw new OnnxFormatError(`metadata ${METADATA_KEY} is missing`);
  try {
    return shapeSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OnnxFormatError(`metadata ${METADATA_KEY} is malformed`, { cause });
  }
}
