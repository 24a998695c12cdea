import { columnIndex, shortestObserved } from '../features/columns.ts';
import type { Feature } from '../features/features.ts';
import type { History } from '../fleet/history.ts';
import { isSilent } from '../tensor/load.ts';
import { type ColumnScaling, deviation } from '../tensor/scaling.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import type { Profile } from './profiles/profile.ts';

/** A service of which may be asked whether it is idle. */
interface Asked {
  readonly history: History;
  readonly profile: Profile;
  /** By column. */
  readonly scalings: readonly (ColumnScaling | undefined)[];
  /** True if another service of the fleet calls it. */
  readonly called: boolean;
}

/**
 * True if nobody asks a service for anything, and this is no error of its own: others call it, or it is young. A service whose
 * memory is gone too isn't idle: its process has ended.
 */
export function isIdle(
  { features }: TensorShape,
  { history, profile, called, scalings }: Asked,
  step: number,
): boolean {
  const row = history.row(step);
  return (called || profile.days < 1) && isSilent(features, row) && !isEmpty(features, row, scalings);
}

/** True if a service holds no memory, though it usually does, also while it is idle. */
function isEmpty(
  features: readonly Feature[],
  row: ArrayLike<number> | undefined,
  scalings: readonly (ColumnScaling | undefined)[],
): boolean {
  return features.some(({ signal, unit, floor }, at) => {
    const usual = scalings[at]?.center ?? NaN;
    return signal === 'saturation' && unit === 'bytes' && (row?.[at] ?? NaN) < floor && usual > floor;
  });
}

/**
 * Limits of an idle service's errors: deviations alone, as no model has been trained on idle services. Traffic, features that
 * are as good as nothing, quicker answers, less use of resources, and their use by each of the last requests are no errors.
 */
export function idleLimits(
  { features }: TensorShape,
  { history, profile, scalings }: Asked,
  step: number,
  deviations: ArrayLike<number>,
): readonly number[] {
  const row = history.row(step);
  return features.map((feature, at) => {
    const { signal, floor } = feature;
    const column = shortestObserved(features, at, row);
    if (column === undefined || scalings[column] === undefined) return 0;
    if (signal === 'traffic' || (row?.[column] ?? NaN) < floor) return 0;
    if (signal === 'saturation' && column !== columnIndex(features, 0, at)) return 0;
    // The load of a longer window is falling already, the requests in it were made at another one.
    const atUsualLoad = deviation(feature, row?.[column] ?? NaN, scalings[column]);
    if (signal !== 'errors' && atUsualLoad < 0) return 0;
    const least = Math.min(Math.abs(deviations[column] ?? NaN), Math.abs(atUsualLoad));
    return least / (profile.deviation[column] ?? NaN);
  });
}
