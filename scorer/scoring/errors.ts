import { CHANNELS } from '../features/features.ts';
import { fromUnit } from '../tensor/scaling.ts';
import { meanOfLargest } from '../numeric/statistics.ts';
import { type TensorShape, type Windows, windowSize } from '../tensor/tensor.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

/** How many of the loudest features make the score: one alone may be noise, all would drown it. */
export const LOUDEST = 2;

/** Shares are told of this many features. */
const EXPLAINED = 3;

/** How far the newest values lie from what was expected, in signed deviations; [window, column], NaN where nothing was observed. */
export interface NewestErrors {
  /** From what the model reconstructed. */
  readonly residuals: Float32Array;
  /** From the service's own median. */
  readonly deviations: Float32Array;
}

/** @param reconstruction as `windows.data` */
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

/** Fault-free size of each column's errors, deviations: what errors are measured in. */
export interface ErrorScales {
  readonly residual: readonly number[];
  readonly deviation: readonly number[];
}

/** Scales `tolerance` times as large, a factor a feature, in every channel. */
export function tolerant({ residual, deviation }: ErrorScales, tolerance: readonly number[]): ErrorScales {
  const widened = (figures: readonly number[]) =>
    figures.map((figure, column) => figure * (tolerance[column % tolerance.length] ?? 1));
  return { residual: widened(residual), deviation: widened(deviation) };
}

/** One window's part of `NewestErrors`, a value a column. */
export interface WindowErrors {
  readonly residuals: ArrayLike<number>;
  readonly deviations: ArrayLike<number>;
}

/**
 * Each feature's error in the shortest window that was observed: a single wild minute stands in the longer windows for as long
 * as they last, in the shortest for one cycle, which the alert's `for` sits out.
 *
 * It is the geometric mean of residual and deviation, each in units of its own fault-free size, so that it takes both: what the
 * model expected (more load, more bytes) is no error, nor is a usual value of which others made the model expect another.
 *
 * @returns a value a feature; NaN where no channel was observed
 */
export function featureErrors(
  shape: TensorShape,
  { residuals, deviations }: WindowErrors,
  scales: ErrorScales,
): number[] {
  return shape.features.map((_, feature) => {
    const columns = CHANNELS.map((__, channel) => columnIndex(shape.features, channel, feature));
    const column = columns.find((at) => Number.isFinite(residuals[at]));
    if (column === undefined) return NaN;
    const unexpected = Math.abs(residuals[column] ?? NaN) / (scales.residual[column] ?? NaN);
    const unusual = Math.abs(deviations[column] ?? NaN) / (scales.deviation[column] ?? NaN);
    return Math.sqrt(unexpected * unusual);
  });
}

/** More than this many times its fault-free residual is no more evidence: consequences are often louder than their cause. */
const MAX_EVIDENCE = 6;

/**
 * The evidence that a service has trouble of its own, in bits: the sum of the logarithms of what speaks for it. Being asked less
 * isn't being slow, so traffic doesn't count; nor is answering faster a trouble. Latencies are one witness, the loudest;
 * of the rest each feature is one.
 *
 * @returns 0 when nothing was observed
 */
export function ownEvidence(shape: TensorShape, residuals: ArrayLike<number>, scales: ErrorScales): number {
  let [latency, bits] = [0, 0];
  for (const [feature, { signal }] of shape.features.entries()) {
    if (signal === 'traffic') continue;
    const loud = loudOverChannels(shape, feature, residuals, scales, signal === 'latency');
    if (signal === 'latency') latency = Math.max(latency, loud);
    else bits += evidenceOf(loud);
  }
  return bits + evidenceOf(latency);
}

function evidenceOf(loud: number): number {
  return Math.log2(1 + Math.min(MAX_EVIDENCE, loud));
}

/** A feature's residual in units of its fault-free one, the mean over the channels that were observed; 0 when none was. */
function loudOverChannels(
  shape: TensorShape,
  feature: number,
  residuals: ArrayLike<number>,
  scales: ErrorScales,
  upwards: boolean,
): number {
  let [sum, seen] = [0, 0];
  for (let channel = 0; channel < CHANNELS.length; channel++) {
    const column = columnIndex(shape.features, channel, feature);
    const loud = (residuals[column] ?? NaN) / (scales.residual[column] ?? NaN);
    if (!Number.isFinite(loud)) continue;
    sum += upwards ? Math.max(0, loud) : Math.abs(loud);
    seen++;
  }
  return seen === 0 ? 0 : sum / seen;
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
