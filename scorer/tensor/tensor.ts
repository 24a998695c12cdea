import { CHANNELS, type Feature } from '../features/features.ts';
import { columnIndex } from '../features/columns.ts';
import type { History } from '../fleet/history.ts';
import { type ColumnScaling, deviation, toUnit } from './scaling.ts';

/** Default lags, in steps: Fibonacci numbers, about an hour at an interval of one minute. */
export const DEFAULT_LAGS: readonly number[] = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55];

/** Tensor value of a missing entry: the median. */
export const NEUTRAL = 0.5;

export interface TensorShape {
  readonly features: readonly Feature[];
  /** Lags in steps, ascending from 0; `steps` in scorer.yaml. */
  readonly steps: readonly number[];
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
  let position = index * windowSize(shape);
  let present = 0;
  for (let channel = 0; channel < CHANNELS.length; channel++) {
    for (let row = 0; row < rows.length; row++) {
      const values = rows[row];
      for (let at = 0; at < features.length; at++, position++) {
        const column = columnIndex(features, channel, at);
        const feature = features[at];
        const scaling = scalings[column];
        const value = values?.[column] ?? NaN;
        if (feature === undefined || scaling === undefined || !Number.isFinite(value)) {
          into.data[position] = NEUTRAL;
          into.mask[position] = 0;
          continue;
        }
        into.data[position] = toUnit(deviation(feature, value, scaling));
        into.mask[position] = 1;
        if (row === 0) present++;
      }
    }
  }
  return present;
}
