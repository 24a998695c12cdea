import type { Feature, Scale } from '../features/features.ts';
import { quantileSorted, robustSpread, sortedFinite } from '../numeric/statistics.ts';

/** The normal centre and spread of one column (a feature in a channel) of one service or edge. */
export interface ColumnScaling {
  /** Median over the normal period, in the feature's unit. */
  readonly center: number;
  /** Robust standard deviation over the normal period, in scaled units (log ratio or difference). */
  readonly spread: number;
}

/** Minimum spread, scaled units: smaller differences are irrelevant in practice. */
const MIN_SPREAD: Readonly<Record<Scale, number>> = { log: 0.03, linear: 1e-9, ratio: 0.01 };
/** Minimum spread of linear features, as a share of the median. */
const MIN_LINEAR_SHARE = 0.03;
/** Offset of log ratios, as a share of the median, so that the log ratio of 0 is finite. */
const LOG_OFFSET_SHARE = 0.02;
/** Deviations beyond which a tensor value saturates. */
const SATURATION = 6;

/**
 * The difference of `value` from `center`, scaled units: a natural log ratio for log features, else `value - center`.
 */
export function difference(feature: Feature, value: number, center: number): number {
  if (feature.scale !== 'log') return value - center;
  const offset = logOffset(feature, center);
  return Math.log((Math.max(value, 0) + offset) / (Math.max(center, 0) + offset));
}

function logOffset(feature: Feature, center: number): number {
  return Math.max(feature.floor, LOG_OFFSET_SHARE * center, Number.MIN_VALUE);
}

/**
 * Learns the centre and the spread of one column.
 *
 * @param values raw values over the normal period, NaN where missing
 * @param prior expected spread of such a column, scaled units
 * @param priorWeight number of values that the prior counts for
 * @returns undefined if no value is finite
 */
export function learnScaling(
  feature: Feature,
  values: Iterable<number>,
  prior?: number,
  priorWeight = 0,
): ColumnScaling | undefined {
  const sorted = sortedFinite(values);
  if (sorted.length === 0) return undefined;
  const center = quantileSorted(sorted, 0.5);
  const own = robustSpread(sorted.map((value) => difference(feature, value, center)));
  const variance =
    prior === undefined || !Number.isFinite(prior)
      ? own ** 2
      : (sorted.length * own ** 2 + priorWeight * prior ** 2) / (sorted.length + priorWeight);
  return { center, spread: Math.max(Math.sqrt(variance), minSpread(feature, center)) };
}

function minSpread(feature: Feature, center: number): number {
  const min = MIN_SPREAD[feature.scale];
  return feature.scale === 'linear' ? Math.max(min, MIN_LINEAR_SHARE * Math.abs(center)) : min;
}

/** Signed distance from the median, in spreads; NaN for a missing or infinite value. */
export function deviation(feature: Feature, value: number, scaling: ColumnScaling): number {
  if (!Number.isFinite(value)) return NaN;
  return difference(feature, value, scaling.center) / scaling.spread;
}

/** The 95th percentile of a normal distribution, in standard deviations. */
const USUAL_DEVIATIONS = 1.645;

export interface UsualRange {
  /** 5th and 95th percentile in the feature's unit. */
  readonly low: number;
  readonly high: number;
}

/** The range of 90 % of a column's usual values: its scaling as a normal distribution. Values below the floor are 0. */
export function usualRange(feature: Feature, { center, spread }: ColumnScaling): UsualRange {
  const reach = USUAL_DEVIATIONS * spread;
  if (feature.scale === 'ratio') return { low: Math.max(0, center - reach), high: Math.min(1, center + reach) };
  if (feature.scale === 'linear') return { low: center - reach, high: center + reach };
  const offset = logOffset(feature, center);
  const away = (logRatio: number) => {
    const value = (Math.max(center, 0) + offset) * Math.exp(logRatio) - offset;
    return value < feature.floor ? 0 : Math.max(value, 0);
  };
  return { low: away(-reach), high: away(reach) };
}

/**
 * Maps a deviation to 0..1, 0.5 at the median: (1 + tanh(deviations / SATURATION)) / 2, written as a logistic function.
 */
export function toUnit(deviations: number): number {
  return 1 / (1 + Math.exp((-2 * deviations) / SATURATION));
}

/** Minimum distance from 0 and 1 in `fromUnit`: the precision of float32, about 50 deviations. */
const UNIT_EDGE = 3e-8;

/** The inverse of `toUnit`, limited to about 50 deviations either way. */
export function fromUnit(value: number): number {
  const within = Math.min(1 - UNIT_EDGE, Math.max(UNIT_EDGE, value));
  return (SATURATION / 2) * Math.log(within / (1 - within));
}
