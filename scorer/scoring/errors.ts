import type { FeatureShare as DetectorFeatureShare } from '../detectors/detector.ts';
import { CHANNELS } from '../features/features.ts';
import { type ColumnScaling, fromUnit, type UsualRange, usualRange } from '../tensor/scaling.ts';
import { largestShares, meanOfLargest } from '../numeric/statistics.ts';
import { type TensorShape, type Windows, windowSize } from '../tensor/tensor.ts';
import { columnCount, columnIndex, shortestObserved } from '../features/columns.ts';

/** Number of largest feature errors that make the score: one alone may be noise, the mean of all would dilute it. */
const SCORED_FEATURES = 2;
/** Number of features whose shares of the error are reported. */
const MAX_SHARES = 3;

/** Errors of the current step, signed, in deviations; [window, column], NaN where nothing was observed. */
export interface NewestErrors {
  /** Observed minus reconstructed value. */
  readonly residuals: Float32Array;
  /** Observed value minus the service's median. */
  readonly deviations: Float32Array;
}

/**
 * Computes the errors of the current step of each window.
 *
 * @param reconstruction of the same shape as `windows.data`
 */
export function newestErrors(shape: TensorShape, windows: Windows, reconstruction: Float32Array): NewestErrors {
  const columns = columnCount(shape.features);
  const size = windowSize(shape);
  const row = shape.features.length;
  const channelSize = shape.steps.length * row;
  const residuals = new Float32Array(windows.count * columns).fill(NaN);
  const deviations = new Float32Array(windows.count * columns).fill(NaN);
  for (let window = 0; window < windows.count; window++) {
    for (let channel = 0; channel < CHANNELS.length; channel++) {
      for (let feature = 0; feature < row; feature++) {
        const at = window * size + channel * channelSize + feature;
        if (windows.mask[at] !== 1) continue;
        const observed = fromUnit(windows.data[at] ?? NaN);
        const column = window * columns + columnIndex(shape.features, channel, feature);
        residuals[column] = observed - fromUnit(reconstruction[at] ?? NaN);
        deviations[column] = observed;
      }
    }
  }
  return { residuals, deviations };
}

/** Magnitude of each column's errors in fault-free time, in deviations. Errors are divided by it. */
export interface ErrorScales {
  readonly residual: readonly number[];
  readonly deviation: readonly number[];
}

/** Multiplies the scales by `tolerance`, one factor per feature, the same in every channel. */
export function widenScales({ residual, deviation }: ErrorScales, tolerance: readonly number[]): ErrorScales {
  const widened = (figures: readonly number[]) =>
    figures.map((figure, column) => figure * (tolerance[column % tolerance.length] ?? 1));
  return { residual: widened(residual), deviation: widened(deviation) };
}

/** The errors of one window, one value per column. */
export interface WindowErrors {
  readonly residuals: ArrayLike<number>;
  readonly deviations: ArrayLike<number>;
}

/**
 * Each feature's error in the shortest observed window: an outlier of one minute stays in a longer window for the
 * window's whole length, but in the shortest for one cycle only, which the alert's `for` bridges.
 *
 * The error is the geometric mean of residual and deviation, each divided by its fault-free scale, so that both must be
 * large. An unusual value that the model expected (more load, more bytes) isn't an error, and neither is a usual value
 * where other features made the model expect another.
 *
 * @returns one value per feature; NaN where no channel was observed
 */
export function featureErrors(
  shape: TensorShape,
  { residuals, deviations }: WindowErrors,
  scales: ErrorScales,
): number[] {
  return shape.features.map((_, feature) => {
    const column = shortestObserved(shape.features, feature, residuals);
    if (column === undefined) return NaN;
    const unexpected = Math.abs(residuals[column] ?? NaN) / (scales.residual[column] ?? NaN);
    const unusual = Math.abs(deviations[column] ?? NaN) / (scales.deviation[column] ?? NaN);
    return Math.sqrt(unexpected * unusual);
  });
}

/** Limit of the scaled residual that counts as evidence: effects often have larger residuals than their cause. */
const MAX_SCALED_RESIDUAL = 6;

/**
 * The evidence that a service has a fault of its own, in bits: the sum over its features of log2(1 + scaled residual).
 * Traffic doesn't count, as less traffic isn't a fault, nor does a lower latency. Of several latencies, the one with
 * the largest residual counts.
 *
 * @returns 0 if nothing was observed
 */
export function ownEvidence(shape: TensorShape, residuals: ArrayLike<number>, scales: ErrorScales): number {
  let [latency, bits] = [0, 0];
  for (const [feature, { signal }] of shape.features.entries()) {
    if (signal === 'traffic') continue;
    const residual = meanScaledResidual(shape, feature, residuals, scales, signal === 'latency');
    if (signal === 'latency') latency = Math.max(latency, residual);
    else bits += bitsOf(residual);
  }
  return bits + bitsOf(latency);
}

/** The evidence of one signal, in bits. @param scaledResidual how far it is off, in units of what is usual */
export function bitsOf(scaledResidual: number): number {
  return Math.log2(1 + Math.min(MAX_SCALED_RESIDUAL, scaledResidual));
}

/** A feature's absolute residual over its fault-free scale, averaged over the observed channels; 0 without any. */
function meanScaledResidual(
  shape: TensorShape,
  feature: number,
  residuals: ArrayLike<number>,
  scales: ErrorScales,
  increasesOnly: boolean,
): number {
  let [sum, observed] = [0, 0];
  for (let channel = 0; channel < CHANNELS.length; channel++) {
    const column = columnIndex(shape.features, channel, feature);
    const scaled = (residuals[column] ?? NaN) / (scales.residual[column] ?? NaN);
    if (!Number.isFinite(scaled)) continue;
    sum += increasesOnly ? Math.max(0, scaled) : Math.abs(scaled);
    observed++;
  }
  return observed === 0 ? 0 : sum / observed;
}

/**
 * A window's score before it is divided by the service's threshold: the mean of its two largest feature errors.
 *
 * @param errors from `featureErrors`
 * @returns NaN if nothing was observed
 */
export function rawScore(errors: readonly number[]): number {
  return meanOfLargest(errors, SCORED_FEATURES);
}

export interface FeatureShare extends DetectorFeatureShare {
  /** In the shortest window; undefined if the service never had the feature there. */
  readonly usual: UsualRange | undefined;
}

/** The three largest shares of the error, in descending order. @param scalings by column */
export function featureShares(
  shape: TensorShape,
  errors: readonly number[],
  scalings: readonly (ColumnScaling | undefined)[],
): FeatureShare[] {
  return largestShares(errors, MAX_SHARES).map(({ index, share }) => {
    const feature = shape.features[index]!;
    const scaling = scalings[columnIndex(shape.features, 0, index)];
    return { feature: feature.name, share, usual: scaling && usualRange(feature, scaling) };
  });
}
