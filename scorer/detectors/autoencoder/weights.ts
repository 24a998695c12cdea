import {
  convolutionParameters,
  denseParameters,
  initialValues,
  layoutSize,
  type ParameterSpec,
  parametersOf,
} from '../../network/parameters.ts';

const KERNEL = [3, 3];

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
    ...convolutionParameters('encoder.0', channels, filters, KERNEL),
    ...convolutionParameters('encoder.1', filters, maps, KERNEL),
    ...denseParameters('encoder.2', flat, bottleneck),
    ...denseParameters('decoder.0', bottleneck, flat),
    ...convolutionParameters('decoder.1', maps, filters, KERNEL),
    ...convolutionParameters('decoder.2', filters, channels, KERNEL),
  ];
}

export function parameterCount(shape: AutoencoderShape): number {
  return layoutSize(parameterLayout(shape));
}

/** The weights of each layer, as views of the vector. */
export function weightsOf({ shape, values }: AutoencoderWeights): (ParameterSpec & { data: Float32Array })[] {
  return parametersOf(parameterLayout(shape), values);
}

/** Initial weights: uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), biases 0. */
export function initialWeights(shape: AutoencoderShape, seed: number): AutoencoderWeights {
  return { shape, values: initialValues(parameterLayout(shape), seed) };
}
