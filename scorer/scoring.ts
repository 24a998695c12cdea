import { CHANNELS } from './features.ts';
import { fromUnit } from './scaling.ts';
import { median, meanOfLargest } from './statistics.ts';
import { columnCount, columnIndex, type TensorShape, type Windows, windowSize } from './tensor.ts';

/** How many of the loudest features make the score: one alone may be noise, all would drown it. */
export const LOUDEST = 3;

/** Shares are told of this many features. */
const EXPLAINED = 3;

/**
 * How far each column's newest value lies from what the model reconstructed, in deviations: the tensor squeezes
 * large deviations together so that the model isn't pulled by them, the score must tell them apart.
 *
 * @param reconstruction as `windows.data`
 * @returns [window, column], absolute differences; NaN where nothing was observed
 */
export function newestResiduals(shape: TensorShape, windows: Windows, reconstruction: Float32Array): Float32Array {
  const columns = columnCount(shape.features);
  const size = windowSize(shape);
  const row = shape.features.length;
  const channelSize = shape.steps.length * row;
  const residuals = new Float32Array(windows.count * columns);
  for (let window = 0; window < windows.count; window++) {
    for (let channel = 0; channel < CHANNELS.length; channel++) {
      for (let feature = 0; feature < row; feature++) {
        const at = window * size + channel * channelSize + feature;
        residuals[window * columns + columnIndex(shape.features, channel, feature)] =
          windows.mask[at] === 1
            ? Math.abs(fromUnit(windows.data[at] ?? NaN) - fromUnit(reconstruction[at] ?? NaN))
            : NaN;
      }
    }
  }
  return residuals;
}

/**
 * Each feature's residual in units of its own fault-free residual.
 * The median over the channels asks two windows of three to agree: one noisy minute doesn't count,
 * and a fault that is over is forgotten before the longest window is.
 *
 * @param residuals one window's, a value a column
 * @param scale fault-free residual of each column
 * @returns a value a feature; NaN where no channel was observed
 */
export function featureErrors(shape: TensorShape, residuals: ArrayLike<number>, scale: ArrayLike<number>): number[] {
  return shape.features.map((_, feature) =>
    median(
      CHANNELS.map((__, channel) => {
        const column = columnIndex(shape.features, channel, feature);
        return (residuals[column] ?? NaN) / (scale[column] ?? NaN);
      }),
    ),
  );
}

/** A window's loudness: the mean error of its loudest features. NaN when nothing was observed. */
export function loudness(errors: readonly number[]): number {
  return meanOfLargest(errors, LOUDEST);
}

export interface FeatureShare {
  readonly feature: string;
  /** Of the whole error, 0..1. */
  readonly share: number;
}

/** The largest shares of the error, largest first. */
export function featureShares(shape: TensorShape, errors: readonly number[]): FeatureShare[] {
  const total = errors.filter(Number.isFinite).reduce((sum, error) => sum + error, 0);
  if (!(total > 0)) return [];
  return shape.features
    .map((feature, index) => ({ feature: feature.name, share: (errors[index] ?? NaN) / total }))
    .filter(({ share }) => Number.isFinite(share))
    .sort((a, b) => b.share - a.share)
    .slice(0, EXPLAINED);
}
