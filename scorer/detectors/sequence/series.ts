import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { type ColumnRange, toRange, withoutOutliers } from './range.ts';
import { hammingWeights, smoothBackwards } from './smoothing.ts';
import { aboveFloor } from '../../tensor/scaling.ts';

/** Which columns of a history a detector reads, and as what. */
export interface SequenceColumns {
  /** Places in the history, one for each feature. */
  readonly columns: readonly number[];
  readonly features: readonly Feature[];
}

export interface SequenceOptions {
  /** Steps of a window. */
  readonly window: number;
  /** Points of the Hamming window that smooths a series; 1 leaves it as it is. */
  readonly smoothing: number;
  /** `linear` takes values as they are, `log` the logarithm of those of log features, so that ratios count. */
  readonly values: 'linear' | 'log';
}

/** Share of a window's values that have to be there, with the newest step among them. */
const MIN_OBSERVED_SHARE = 0.5;
/** A column that has no range yet, and so means nothing, lies in the middle. */
const NEUTRAL = 0.5;

/** A subject's columns over consecutive steps, scaled to their ranges and smoothed. */
export interface SequenceSeries {
  readonly from: number;
  readonly steps: number;
  /** [steps, columns], gaps filled. */
  readonly values: Float32Array;
  /** [steps], how many columns were observed. */
  readonly observed: Uint8Array;
}

/**
 * The values of one column from `from` to `to`, NaN where missing, as far as they are above the feature's floor; the unit
 * is the feature's, or its logarithm.
 */
export function columnValues(
  history: History,
  column: number,
  feature: Feature,
  { from, to }: { readonly from: number; readonly to: number },
  values: SequenceOptions['values'],
): Float64Array {
  const logarithmic = values === 'log' && feature.scale === 'log';
  // Ratios are those of whole values, offset by the floor, so that that of 0 is finite.
  const offset = 2 * Math.max(feature.floor, Number.MIN_VALUE);
  return Float64Array.from({ length: to - from + 1 }, (_, index) => {
    const value = aboveFloor(feature, history.get(from + index, column));
    return logarithmic ? Math.log(Math.max(value, 0) + offset) : value;
  });
}

/**
 * Reads, scales and smooths a subject's columns.
 *
 * @param ranges one for each column, undefined for one never observed
 * @param clean leaves out values beyond three standard deviations
 */
export function readSeries(
  history: History,
  { columns, features }: SequenceColumns,
  ranges: readonly (ColumnRange | undefined)[],
  span: { readonly from: number; readonly to: number },
  options: SequenceOptions,
  clean = false,
): SequenceSeries {
  const steps = span.to - span.from + 1;
  const values = new Float32Array(steps * columns.length).fill(NEUTRAL);
  const observed = new Uint8Array(steps);
  const weights = hammingWeights(options.smoothing);
  for (const [place, column] of columns.entries()) {
    const [range, feature] = [ranges[place], features[place]];
    if (range === undefined || feature === undefined) continue;
    const found = columnValues(history, column, feature, span, options.values);
    const raw = clean ? withoutOutliers(found) : found;
    const smooth = smoothBackwards(raw, weights);
    fillGaps(smooth);
    for (let at = 0; at < steps; at++) {
      if (!Number.isNaN(raw[at])) observed[at]!++;
      const value = smooth[at]!;
      values[at * columns.length + place] = Number.isNaN(value) ? NEUTRAL : toRange(value, range);
    }
  }
  return { from: span.from, steps, values, observed };
}

/** Whether the window that ends with step `at` of the series has enough values to be judged. */
export function isJudgeable(
  { observed }: SequenceSeries,
  at: number,
  window: number,
  ranges: readonly (ColumnRange | undefined)[],
): boolean {
  const columns = ranges.filter((range) => range !== undefined).length;
  if (at + 1 < window || columns === 0 || observed[at] === 0) return false;
  let seen = 0;
  for (let step = at - window + 1; step <= at; step++) seen += observed[step]!;
  return seen >= MIN_OBSERVED_SHARE * window * columns;
}

/** Missing values become the last one before them, or the first one after. */
function fillGaps(values: Float64Array): void {
  let last = values.find((value) => !Number.isNaN(value)) ?? NaN;
  for (let at = 0; at < values.length; at++) {
    if (Number.isNaN(values[at])) values[at] = last;
    else last = values[at]!;
  }
}
