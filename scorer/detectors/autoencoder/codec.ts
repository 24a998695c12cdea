import { z } from 'zod';
import { inferenceGraph } from './graphs.ts';
import { type AutoencoderShape, type AutoencoderWeights, parameterLayout } from './weights.ts';
import { decodeNetwork, encodeNetwork, type NetworkFormat } from '../../network/weights-file.ts';

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

const FORMAT: NetworkFormat<AutoencoderShape> = {
  name: 'autoencoder',
  schema: shapeSchema,
  layout: parameterLayout,
};

/** Encodes the inference model as an ONNX file with its weights: inputs `x` and `mask`, output `reconstruction`. */
export function encodeAutoencoder(weights: AutoencoderWeights): Uint8Array<ArrayBuffer> {
  return encodeNetwork(FORMAT, inferenceGraph(weights), weights.shape);
}

/**
 * Decodes the weights from an ONNX file that `encodeAutoencoder` wrote, for example to train them further.
 *
 * @throws OnnxFormatError if the bytes aren't such a file
 */
export function decodeAutoencoder(bytes: Uint8Array): AutoencoderWeights {
  const { metadata: shape, values } = decodeNetwork(FORMAT, bytes);
  return { shape, values };
}
