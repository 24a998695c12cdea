import { CHANNELS, type Feature, type FeatureSet } from '../features/features.ts';
import { columnIndex } from '../features/columns.ts';
import type { History } from '../fleet/history.ts';
import { median } from '../numeric/statistics.ts';
import { loadBeyond, loadFeature, loadOf } from './load.ts';
import { type ColumnScaling, deviation, difference, toUnit } from './scaling.ts';

/** Default lags, in steps: Fibonacci numbers, about an hour at an interval of one minute. */
export const DEFAULT_LAGS: readonly number[] = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55];

/** Tensor value of a missing entry: the median. */
export const NEUTRAL = 0.5;

export interface TensorShape {
  readonly features: readonly Feature[];
  /** Lags in steps, ascending from 0; `steps` in scorer.yaml. */
  readonly steps: readonly number[];
  /** Length of each channel's window, ms. Default: unknown, so that nobody knows of how many requests a share is. */
  readonly windows?: readonly number[] | undefined;
}

/** The shape of a feature set's tensors. @param steps lags, as of `TensorShape` */
export function shapeOf(
  { features, windows }: Pick<FeatureSet, 'features' | 'windows'>,
  steps: readonly number[],
): TensorShape {
  return { features, steps, windows };
}

/** Number of values in one window: channels x lags x features. */
export function windowSize(shape: TensorShape): number {
  return CHANNELS.length * shape.steps.length * shape.features.length;
}

/** A batch of windows, each [channel, lag, feature], with the mask of observed values. */
export interface Windows {
  readonly count: number;
  /** Values in 0..1, 0.5 at the median, `NEUTRAL` where missing. Length: count x windowSize. */
  readonly data: Float32Array;
  /** 1 where observed, 0 where missing. Length: count x windowSize. */
  readonly mask: Float32Array;
}

export function allocateWindows(shape: TensorShape, count: number): Windows {
  const length = windowSize(shape) * count;
  return { count, data: new Float32Array(length).fill(NEUTRAL), mask: new Float32Array(length) };
}

/** Lags of this many steps and more are what the load was before. */
const RECENT_LAG = 3;

/** The scalings, with that of a load that drifts around what it was in the hour before, unless it is back at the usual. */
function withRecentLoad(
  { features, steps }: TensorShape,
  rows: readonly (ArrayLike<number> | undefined)[],
  scalings: readonly (ColumnScaling | undefined)[],
): readonly (ColumnScaling | undefined)[] {
  const load = loadFeature(features);
  if (load === undefined || scalings[load]?.drifts === undefined) return scalings;
  const moved = [...scalings];
  for (const channel of CHANNELS.keys()) {
    const column = columnIndex(features, channel, load);
    const scaling = scalings[column];
    const recent = median(rows.flatMap((row, at) => (steps[at]! < RECENT_LAG ? [] : [row?.[column] ?? NaN])));
    if (scaling === undefined || !Number.isFinite(recent)) continue;
    const away = (center: number) => Math.abs(difference(features[load]!, rows[0]?.[column] ?? NaN, center));
    if (!(away(scaling.center) <= away(recent))) moved[column] = { ...scaling, center: recent };
  }
  return moved;
}

/** A load that drifts explains what it does slowly, and no more of what it does at once than is usual, in spreads. */
const MAX_SUDDEN = 3;

/** The load of a step, by channel, as far as it explains other features. */
function explainingLoad(
  features: readonly Feature[],
  row: ArrayLike<number> | undefined,
  scalings: readonly (ColumnScaling | undefined)[],
  moved: readonly (ColumnScaling | undefined)[],
): readonly number[] {
  const loads = loadOf(features, row, scalings);
  const load = loadFeature(features);
  if (load === undefined || moved === scalings) return loads;
  return loads.map((now, channel) => {
    const column = columnIndex(features, channel, load);
    const [scaling, recent] = [scalings[column], moved[column]];
    if (scaling === undefined || recent === undefined) return now;
    const slow = difference(features[load]!, recent.center, scaling.reference ?? scaling.center);
    const most = MAX_SUDDEN * scaling.spread;
    return slow + Math.min(most, Math.max(-most, now - slow));
  });
}

/**
 * Encodes one service at one step into window `index` of `into`.
 *
 * @param scalings one for each column; a column without one counts as missing
 * @returns number of columns observed at `step` itself
 */
export function encodeWindow(
  shape: TensorShape,
  history: History,
  step: number,
  scalings: readonly (ColumnScaling | undefined)[],
  into: Windows,
  index: number,
): number {
  const { features } = shape;
  // A thousand windows are half a million values: look up whatever is the same for many of them outside the inner loop.
  const rows = shape.steps.map((back) => history.row(step - back));
  const moved = withRecentLoad(shape, rows, scalings);
  const loads = rows.map((values) => explainingLoad(features, values, scalings, moved));
  const beyonds = loads.map((of) => loadBeyond(features, of, scalings));
  let position = index * windowSize(shape);
  let present = 0;
  for (let channel = 0; channel < CHANNELS.length; channel++) {
    for (let row = 0; row < rows.length; row++) {
      const values = rows[row];
      const load = loads[row]?.[channel];
      const beyond = beyonds[row]?.[channel];
      for (let at = 0; at < features.length; at++, position++) {
        const column = columnIndex(features, channel, at);
        const feature = features[at];
        const scaling = moved[column];
        const value = values?.[column] ?? NaN;
        if (feature === undefined || scaling === undefined || !Number.isFinite(value)) {
          into.data[position] = NEUTRAL;
          into.mask[position] = 0;
          continue;
        }
        into.data[position] = toUnit(deviation(feature, value, scaling, load, beyond));
        into.mask[position] = 1;
        if (row === 0) present++;
      }
    }
  }
  return present;
}
