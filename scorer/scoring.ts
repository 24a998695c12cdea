import { CHANNELS } from './features.ts';
import { fromUnit } from './scaling.ts';
import { median, meanOfLargest } from './statistics.ts';
import { columnCount, columnIndex, type TensorShape, type Windows, windowSize } from './tensor.ts';

/** How many of the loudest features make the score: one alone may be noise, all would drown it. */
export const LOUDEST = 2;

/** Shares are told of this many features. */
const EXPLAINED = 3;

/** How far the newest values lie from what the model reconstructed; [window, column], NaN where nothing was observed. */
export interface NewestResiduals {
  /**
   * Absolute, in compressed deviations: asinh, so that twice as far is a step further and not twice as loud. Large ones are told
   * apart, and one wild feature doesn't drown what the others say.
   */
  readonly residuals: Float32Array;
  /** Signed, in tensor units: with large deviations squeezed together a cause isn't outshouted by its consequences. */
  readonly shifts: Float32Array;
}

/** @param reconstruction as `windows.data` */
export function newestResiduals(shape: TensorShape, windows: Windows, reconstruction: Float32Array): NewestResiduals {
  const columns = columnCount(shape.features);
  const size = windowSize(shape);
  const row = shape.features.length;
  const channelSize = shape.steps.length * row;
  const residuals = new Float32Array(windows.count * columns).fill(NaN);
  const shifts = new Float32Array(windows.count * columns).fill(NaN);
  for (let window = 0; window < windows.count; window++) {
    for (let channel = 0; channel < CHANNELS.length; channel++) {
      for (let feature = 0; feature < row; feature++) {
        const at = window * size + channel * channelSize + feature;
        if (windows.mask[at] !== 1) continue;
        const [observed, expected] = [windows.data[at] ?? NaN, reconstruction[at] ?? NaN];
        const column = window * columns + columnIndex(shape.features, channel, feature);
        residuals[column] = Math.abs(Math.asinh(fromUnit(observed)) - Math.asinh(fromUnit(expected)));
        shifts[column] = observed - expected;
      }
    }
  }
  return { residuals, shifts };
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

/**
 * A service's own trouble: its loudest feature but for traffic, in units of its own fault-free shift, as being asked less
 * isn't being slow. Nor is answering faster a trouble. Where a cause ends and its consequences begin the loudest feature tells
 * more than several do.
 *
 * @param shifts one window's, signed, a value a column
 * @param scale fault-free shift of each column
 * @returns 0 when nothing was observed
 */
export function ownTrouble(shape: TensorShape, shifts: ArrayLike<number>, scale: ArrayLike<number>): number {
  const troubles = shape.features.map(({ signal }, feature) => {
    if (signal === 'traffic') return NaN;
    const seen = CHANNELS.map((_, channel) => {
      const column = columnIndex(shape.features, channel, feature);
      const shift = shifts[column] ?? NaN;
      return (signal === 'latency' ? Math.max(0, shift) : Math.abs(shift)) / (scale[column] ?? NaN);
    }).filter(Number.isFinite);
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  });
  return Math.max(0, ...troubles.filter(Number.isFinite));
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
