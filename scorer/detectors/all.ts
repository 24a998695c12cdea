import type { Detector } from './detector.ts';
import { pca } from './pca.ts';

/** In the order of a backtest's table. */
export const DETECTORS: readonly Detector[] = [pca];
