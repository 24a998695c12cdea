import type { Feature, Signal } from '../../features/features.ts';

export function featureOf(name: string, signal: Signal, more: Partial<Feature> = {}): Feature {
  return { name, signal, expr: '$window', scale: 'log', unit: 'none', floor: 0, ...more };
}
