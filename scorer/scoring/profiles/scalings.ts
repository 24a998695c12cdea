import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { NORMAL_P99, quantile } from '../../numeric/statistics.ts';
import { type ColumnScaling, deviation, learnScaling } from '../../tensor/scaling.ts';
import { PRIOR_WEIGHT } from './prior.ts';

/** Learns each column's scaling from the steps `from` to `to`, both included; `prior` is the expected spread. */
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
 * Like `learnScalings`, for an edge. Edges have no model, so the spread is widened until the 99th percentile of the
 * deviations is that of a normal distribution: an edge with frequent outliers must exceed those to count.
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
    const widening = quantile(deviations, 0.99) / NORMAL_P99;
    return { center: scaling.center, spread: scaling.spread * Math.max(1, widening) };
  });
}
