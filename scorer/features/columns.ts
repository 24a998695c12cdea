import { CHANNELS, type Feature } from './features.ts';

/** Number of columns in a service's history and profile: channels x features. */
export function columnCount(features: readonly Feature[]): number {
  return CHANNELS.length * features.length;
}

export function columnIndex(features: readonly Feature[], channel: number, feature: number): number {
  return channel * features.length + feature;
}

/** The column of a feature's shortest window with a value; undefined if none has one. @param values by column */
export function shortestObserved(
  features: readonly Feature[],
  feature: number,
  values: ArrayLike<number> | undefined,
): number | undefined {
  return CHANNELS.map((_, channel) => columnIndex(features, channel, feature)).find((column) =>
    Number.isFinite(values?.[column]),
  );
}
