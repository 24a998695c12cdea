import { Random } from '../../numeric/random.ts';

/** The hyperparameters that determine the number, shapes and meaning of the weights. */
export interface AutoencoderShape {
  /** Windows of the feature expressions: red, green, blue. */
  readonly channels: number;
  readonly steps: number;
  readonly features: number;
  /** Filters of the outer convolutions. */
  readonly filters: number;
  /** Filters of the inner convolutions, which feed the dense layers. */
  readonly maps: number;
  /** Size of the code that a window is compressed to. */
  readonly bottleneck: number;
  /** Slope of the activations below 0. With 0.2, no unit dies; with 1, only the output is nonlinear. */
  readonly slope: number;
  /** `sigmoid` limits the reconstruction to 0..1; `linear` doesn't. */
  readonly output: 'sigmoid' | 'linear';
}

/** All weights in one vector, in the order of `parameterLayout`. */
export interface AutoencoderWeights {
  readonly shape: AutoencoderShape;
  readonly values: Float32Array;
}

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** Number of inputs of one unit; 0 for a bias. */
  readonly fanIn: number;
  readonly fanOut: number;
}

/** A shape with defaults: 38,487 parameters at 10 steps and 14 features. */
export function autoencoderShape(
  steps: number,
  features: number,
  {
    channels = 3,
    filters = 16,
    maps = 4,
    bottleneck = 32,
    slope = 0.2,
    output = 'sigmoid',
  }: Partial<AutoencoderShape> = {},
): AutoencoderShape {
  return { channels, steps, features, filters, maps, bottleneck, slope, output };
}

/** The names and shapes of the weights, in order. */
export function parameterLayout(shape: AutoencoderShape): ParameterSpec[] {
  const { channels, filters, maps, bottleneck } = shape;
  const flat = maps * shape.steps * shape.features;
  return [
    ...convolution('encoder.0', channels, filters),
    ...convolution('encoder.1', filters, maps),
    ...fullyConnected('encoder.2', flat, bottleneck),
    ...fullyConnected('decoder.0', bottleneck, flat),
    ...convolution('decoder.1', maps, filters),
    ...convolution('decoder.2', filters, channels),
  ];
}

export function parameterCount(shape: AutoencoderShape): number {
  return parameterLayout(shape).reduce((total, { size }) => total + size, 0);
}

/** The weights of each layer, as views of the vector. */
export function weightsOf({ shape, values }: AutoencoderWeights): (ParameterSpec & { data: Float32Array })[] {
  let offset = 0;
  return parameterLayout(shape).map((spec) => {
    const data = values.subarray(offset, (offset += spec.size));
    return { ...spec, data };
  });
}

/** Initial weights: uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), biases 0. */
export function initialWeights(shape: AutoencoderShape, seed: number): AutoencoderWeights {
  const random = new Random(seed);
  const weights = { shape, values: new Float32Array(parameterCount(shape)) };
  for (const { data, fanIn, fanOut } of weightsOf(weights)) {
    if (fanIn === 0) continue;
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
  }
  return weights;
}

const KERNEL = 3;

function convolution(name: string, channelsIn: number, channelsOut: number): ParameterSpec[] {
  const area = KERNEL * KERNEL;
  const shape = [channelsOut, channelsIn, KERNEL, KERNEL];
  return layer(name, shape, channelsIn * area, channelsOut * area, channelsOut);
}

function fullyConnected(name: string, sizeIn: number, sizeOut: number): ParameterSpec[] {
  return layer(name, [sizeIn, sizeOut], sizeIn, sizeOut, sizeOut);
}

function layer(name: string, shape: readonly number[], fanIn: number, fanOut: number, units: number): ParameterSpec[] {
  const size = shape.reduce((product, length) => product * length, 1);
  return [
    { name: `${name}.weight`, shape, size, fanIn, fanOut },
    { name: `${name}.bias`, shape: [units], size: units, fanIn: 0, fanOut: 0 },
  ];
}
