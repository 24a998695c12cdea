import type * as Tfjs from '@tensorflow/tfjs';
import { type AutoencoderShape, initialWeights, weightsOf } from '../../scorer/detectors/autoencoder/weights.ts';
import { type Windows, windowSize } from '../../scorer/training/windows.ts';
import { type Subject, timed } from './engine.ts';
import { BATCH } from './workload.ts';

/**
 * The same step in TensorFlow.js with its CPU backend, the one without a native library; undefined if not installed.
 */
export async function tfjsStep(shape: AutoencoderShape, windows: Windows): Promise<Subject | undefined> {
  const tf = await load();
  if (tf === undefined) return undefined;
  await tf.setBackend('cpu');
  const { channels, steps, features, maps } = shape;
  const variables = new Map(
    weightsOf(initialWeights(shape, 1)).map(({ name, shape: size, data }) => [
      name,
      // Its convolutions expect the kernel before the channels, and channels last.
      tf.variable(size.length === 4 ? tf.tensor(data, [...size]).transpose([2, 3, 1, 0]) : tf.tensor(data, [...size])),
    ]),
  );
  const v = (name: string) => variables.get(name)!;
  const convolve = (x: Tfjs.Tensor, name: string) =>
    tf.conv2d(x as Tfjs.Tensor4D, v(`${name}.weight`) as Tfjs.Tensor4D, 1, 'same').add(v(`${name}.bias`));
  const dense = (x: Tfjs.Tensor, name: string) => tf.matMul(x, v(`${name}.weight`)).add(v(`${name}.bias`));
  const x = tf
    .tensor(windows.data.slice(0, BATCH * windowSize(shape)), [BATCH, channels, steps, features])
    .transpose([0, 2, 3, 1])
    .sub(0.5);
  const loss = (): Tfjs.Scalar => {
    const encoded = convolve(convolve(x.mul(2), 'encoder.0'), 'encoder.1');
    const code = dense(encoded.reshape([BATCH, maps * steps * features]), 'encoder.2');
    const widened = dense(code, 'decoder.0').reshape([BATCH, steps, features, maps]);
    const decoded = convolve(convolve(widened, 'decoder.1'), 'decoder.2');
    return decoded.sub(x).square().mean().asScalar();
  };
  const adam = tf.train.adam(1e-3);
  const step = () => tf.tidy(() => adam.minimize(loss, true)?.dataSync());
  return {
    run: () => timed(step),
    close: async () => {
      tf.disposeVariables();
      await Promise.resolve();
    },
  };
}

async function load(): Promise<typeof Tfjs | undefined> {
  try {
    return await import('@tensorflow/tfjs');
  } catch (error) {
    process.stderr.write(`SKIPPED: cannot load @tensorflow/tfjs: ${(error as Error).message}\n`);
    return undefined;
  }
}
