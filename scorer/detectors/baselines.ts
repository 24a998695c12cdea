import { pca } from './pca.ts';
import type { BaselineDetector } from './reconstructor.ts';

/** In the order of a backtest's table. */
export const BASELINES: readonly BaselineDetector[] = [pca];
