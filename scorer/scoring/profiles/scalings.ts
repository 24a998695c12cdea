import { columnIndex } from '../../features/columns.ts';
import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { NORMAL_P99, quantile } from '../../numeric/statistics.ts';
import { loadFeature } from '../../tensor/load.ts';
import { SLOPE_PRIORS } from '../../tensor/response.ts';
import {
  type ColumnScaling,
  deviation,
  difference,
  isShareOfRequests,
  learnScaling,
  learnShareScaling,
  type LoadRange,
} from '../../tensor/scaling.ts';
import { PRIOR_WEIGHT } from './prior.ts';

/** What is known of a service's columns beside its own past. */
export interface Expected {
  /** Spread of each column, scaled units. */
  readonly spread?: readonly number[] | undefined;
  /** Length of each channel's window, ms, as of a shape. */
  readonly windows?: readonly number[] | undefined;
  /** Days that the past covers: until they are a week, the load may drift to where it hasn't been yet. Default: 7. */
  readonly days?: number | undefined;
}

const WEEK_DAYS = 7;

/** Number of requests in a window of so many ms at the usual load; undefined if the load is none of requests per second. */
function requestsIn(load: Feature, { center }: ColumnScaling, window: number | undefined): number | undefined {
  if (load.unit !== 'per_second' || window === undefined) return undefined;
  return Math.max(1, (center * window) / 1000);
}

/** Learns each column's scaling from the steps `from` to `to`, both included. */
export function learnScalings(
  features: readonly Feature[],
  columns: number,
  history: History,
  from: number,
  to: number,
  { spread, windows, days = WEEK_DAYS }: Expected = {},
): (ColumnScaling | undefined)[] {
  const steps = stepsBetween(from, to);
  const valuesOf = (column: number) => steps.map((step) => history.get(step, column));
  const prior = (column: number) => ({ spread: spread?.[column] ?? NaN, weight: PRIOR_WEIGHT });
  const load = loadFeature(features);
  const channels = columns / features.length;
  const loads = Array.from({ length: channels }, (_, channel) => {
    if (load === undefined) return undefined;
    const column = columnIndex(features, channel, load);
    const values = valuesOf(column);
    const scaling = learnScaling(features[load]!, values, prior(column));
    if (scaling === undefined || days >= WEEK_DAYS) return scaling;
    return { ...scaling, drifts: rangeOf(values.map((value) => difference(features[load]!, value, scaling.center))) };
  });
  return Array.from({ length: columns }, (_, column) => {
    const [index, channel] = [column % features.length, Math.floor(column / features.length)];
    const [feature, scaling] = [features[index], loads[channel]];
    if (feature === undefined || index === load) return scaling;
    const values = valuesOf(column);
    if (load === undefined || scaling === undefined) return learnScaling(feature, values, prior(column));
    const requests = requestsIn(features[load]!, scaling, windows?.[channel]);
    if (isShareOfRequests(feature) && requests !== undefined) {
      return learnShareScaling(feature, values, requests, prior(column));
    }
    // What an edge does is not compared with its load.
    if (channels === 1) return learnScaling(feature, values, prior(column));
    return learnScaling(feature, values, prior(column), {
      loads: valuesOf(column - index + load).map((value) => difference(features[load]!, value, scaling.center)),
      slope: SLOPE_PRIORS[feature.signal],
    });
  });
}

/** Shares of the values below and above where a load has been: single minutes don't count. */
const RANGE_SHARES = [0.01, 0.99] as const;

function rangeOf(away: readonly number[]): LoadRange {
  const [low, high] = RANGE_SHARES.map((share) => quantile(away, share)) as [number, number];
  return { low, high };
}

/**
 * Like `learnScalings`, for an edge. Edges have no model, so the spread is widened until the 99th percentile of the
 * deviations is that of a normal distribution: an edge with frequent outliers must exceed those to count.
 *
 * @param windows as of `Expected`; an edge is observed in the shortest alone
 */
export function learnEdgeScalings(
  features: readonly Feature[],
  history: History,
  from: number,
  to: number,
  windows?: readonly number[],
): (ColumnScaling | undefined)[] {
  return learnScalings(features, features.length, history, from, to, { windows }).map((scaling, column) => {
    const feature = features[column];
    if (scaling === undefined || feature === undefined) return undefined;
    const deviations = stepsBetween(from, to).map((step) =>
      Math.abs(deviation(feature, history.get(step, column), scaling)),
    );
    const widening = quantile(deviations, 0.99) / NORMAL_P99;
    return { center: scaling.center, spread: scaling.spread * Math.max(1, widening) };
  });
}
