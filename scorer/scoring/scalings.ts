import type { Feature } from '../features/features.ts';
import type { History } from '../fleet/history.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { NORMAL_P99, quantile } from '../numeric/statistics.ts';
import { type ColumnScaling, deviation, learnScaling } from '../tensor/scaling.ts';
import { PRIOR_WEIGHT } from './prior.ts';

/** Learns the scaling of every column from the steps `from` to `to`, both included. */
export function learnScalings(
  features: readonly Feature[],
  columns: number,
  history: History,
  from: number,
  to: number,
  prior?: readonly number[],
): (ColumnScaling | undefined)[] {
  return Array.from({ length: columns }, (_, column) => {
    const feature = features[column % features.length];
    if (feature === undefined) return undefined;
    const values = Array.from({ length: to - from + 1 }, (__, index) => history.get(from + index, column));
    return learnScaling(feature, values, prior?.[column], PRIOR_WEIGHT);
  });
}

/**
 * As `learnScalings` for an edge, of which there is no model: its spread is at least what its 99th percentile would mean
 * of a normal distribution, so that an edge which is often wild has to be wilder than that to mean anything.
 */
export function learnEdgeScalings(
  features: readonly Feature[],
  history: History,
  from: number,
  to: number,
): (ColumnScaling | undefined)[] {
  return learnScalings(features, features.length, history, from, to).map((scaling, column) => {
    const feature = features[column];
    if (scaling === undefined || feature === undefined) return undefined;
    const deviations = stepsBetween(from, to).map((step) =>
      Math.abs(deviation(feature, history.get(step, column), scaling)),
    );
    const wild = quantile(deviations, 0.99) / NORMAL_P99;
    return { center: scaling.center, spread: scaling.spread * Math.max(1, wild) };
  });
}
