import { CHANNELS, type Feature } from './features.ts';

/** Number of columns in a service's history and profile: channels x features. */
export function columnCount(features: readonly Feature[]): number {
  return CHANNELS.length * features.length;
}

export function columnIndex(features: readonly Feature[], channel: number, feature: number): number {
  return channel * features.length + feature;
}
