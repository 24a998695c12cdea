import { columnIndex } from '../features/columns.ts';
import { CHANNELS, type Feature } from '../features/features.ts';
import { type ColumnScaling, difference } from './scaling.ts';

/** Index of the feature that is a service's load; undefined if none is. */
export function loadFeature(features: readonly Feature[]): number | undefined {
  const index = features.findIndex(({ load }) => load === true);
  return index < 0 ? undefined : index;
}

/** Difference of the load from its median for each channel of a step, log ratios; 0 where it is unknown. */
export function loadOf(
  features: readonly Feature[],
  row: ArrayLike<number> | undefined,
  scalings: readonly (ColumnScaling | undefined)[],
): readonly number[] {
  const load = loadFeature(features);
  return CHANNELS.map((_, channel) => {
    if (load === undefined) return 0;
    const column = columnIndex(features, channel, load);
    const [value, scaling] = [row?.[column] ?? NaN, scalings[column]];
    if (scaling === undefined || !Number.isFinite(value)) return 0;
    return difference(features[load]!, value, scaling.reference ?? scaling.center);
  });
}

/** How far each channel's load is from where it has been, log ratios; 0 within, and where that isn't known. */
export function loadBeyond(
  features: readonly Feature[],
  loads: readonly number[],
  scalings: readonly (ColumnScaling | undefined)[],
): readonly number[] {
  const load = loadFeature(features);
  return loads.map((away, channel) => {
    const range = load === undefined ? undefined : scalings[columnIndex(features, channel, load)]?.drifts;
    return range === undefined ? 0 : Math.max(0, away - range.high, range.low - away);
  });
}

/** True if nobody asked a service for anything within the shortest window. */
export function isSilent(features: readonly Feature[], row: ArrayLike<number> | undefined): boolean {
  const load = loadFeature(features);
  return load !== undefined && (row?.[load] ?? NaN) < features[load]!.floor;
}
