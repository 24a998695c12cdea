import type { Feature, Scale } from '../features/features.ts';
import { quantileSorted, robustSpread, sortedFinite } from '../numeric/statistics.ts';
import { learnResponse, type LoadResponse, type SlopePrior } from './response.ts';

/** Where a load has been, as differences from its median, log ratios. */
export interface LoadRange {
  readonly low: number;
  readonly high: number;
}

/** The normal centre and spread of one column (a feature in a channel) of one service or edge. */
export interface ColumnScaling {
  /** Median over the normal period, in the feature's unit. */
  readonly center: number;
  /** Robust standard deviation over the normal period, in scaled units (log ratio or difference). */
  readonly spread: number;
  /** Of a load that hasn't been seen for a week: where it has been. It may go anywhere, but only slowly. */
  readonly drifts?: LoadRange | undefined;
  /** Of a load that has another level now: the centre that what follows the load was learned at. Default: `center`. */
  readonly reference?: number | undefined;
  /** How the column follows the service's load; undefined if it doesn't, or if the service has no load. */
  readonly response?: LoadResponse | undefined;
}

/** Minimum spread, scaled units: smaller differences are irrelevant in practice. */
const MIN_SPREAD: Readonly<Record<Scale, number>> = { log: 0.03, linear: 1e-9, ratio: 0.01 };
/** Minimum spread of a share of known many requests: one in ten thousand. */
const MIN_SHARE_SPREAD = 1e-4;
/** Minimum spread of linear features, as a share of the median or the floor. */
const MIN_LINEAR_SHARE = 0.03;
/** Offset of log ratios, as a share of the median, so that the log ratio of 0 is finite. */
const LOG_OFFSET_SHARE = 0.02;
/** Below this share of the usual load, values vary more for want of requests. */
const SCARCE_LOAD = 0.5;
/**
 * Standard deviation of what a line is wrong by, for each unit of log load beyond where it was learned: nothing follows the
 * load by one power everywhere.
 */
const MISFIT_BEYOND = 0.15;
/** Deviations beyond which a tensor value saturates. */
const SATURATION = 6;

/**
 * How far a value is beyond the feature's floor, in the feature's unit and with the value's sign: 0 for all values up to
 * the floor, so that none of them differs from another, and continuous there, so that a value just above the floor is
 * nearly nothing.
 */
export function aboveFloor({ floor }: Pick<Feature, 'floor'>, value: number): number {
  return Math.sign(value) * Math.max(0, Math.abs(value) - floor);
}

/**
 * The difference of `value` from `center`, scaled units: a natural log ratio for log features, else `value - center`.
 * Values up to the floor don't differ from each other; where both are above it, the floor changes nothing but the offset
 * of log ratios.
 */
export function difference(feature: Feature, value: number, center: number): number {
  const [one, other] = [aboveFloor(feature, value), aboveFloor(feature, center)];
  if (feature.scale !== 'log') return one - other;
  const offset = logOffset(feature, center);
  return Math.log((Math.max(one, 0) + offset) / (Math.max(other, 0) + offset));
}

/** Added to values above the floor: the floor, to make them whole again, and what keeps the log ratio of 0 finite. */
function logOffset({ floor }: Feature, center: number): number {
  return floor + Math.max(floor, LOG_OFFSET_SHARE * center, Number.MIN_VALUE);
}

/** What a column of a service's kind is expected to be like, before it has been seen. */
export interface ScalingPrior {
  /** Spread, scaled units; NaN if unknown. */
  readonly spread: number;
  /** Number of values that it counts for. */
  readonly weight: number;
}

/** What the load has been at each value, and what it may be that hasn't been seen yet. */
export interface LoadPast {
  /** Difference of the load from its median at each value, log ratios. */
  readonly loads: readonly number[];
  readonly slope: SlopePrior;
}

/**
 * True for a share of the requests, such as those that fail: what it varies by follows from how many there are, and no more of
 * them fail because there are more.
 */
export function isShareOfRequests({ scale, signal }: Feature): boolean {
  return scale === 'ratio' && signal === 'errors';
}

/** A share that doesn't follow the load. */
const NO_RESPONSE: LoadResponse = { slope: 0, uncertainty: 0 };

/**
 * The standard deviation of a share of so many requests (binomial), which is at least the share that is of interest, and at
 * least one of them.
 */
function shareSpread({ floor }: Feature, share: number, requests: number): number {
  const least = Math.min(0.5, Math.max(share, floor, 1 / requests));
  return Math.max(MIN_SHARE_SPREAD, Math.sqrt((least * (1 - least)) / requests));
}

/**
 * Learns the centre and the spread of one column, and how it follows the load.
 *
 * @param values raw values over the normal period, NaN where missing
 * @returns undefined if no value is finite
 */
export function learnScaling(
  feature: Feature,
  values: readonly number[],
  prior?: ScalingPrior,
  past?: LoadPast,
): ColumnScaling | undefined {
  const sorted = sortedFinite(values);
  if (sorted.length === 0) return undefined;
  const center = quantileSorted(sorted, 0.5);
  const away = values.map((value) => difference(feature, value, center));
  if (past === undefined || feature.scale !== 'log') {
    return { center, spread: spreadOf(feature, center, sortedFinite(away), prior) };
  }
  const response = learnResponse(away, past.loads, past.slope);
  const left = sortedFinite(away.map((value, index) => value - response.slope * (past.loads[index] ?? NaN)));
  const moved = valueAt(feature, quantileSorted(left, 0.5), center);
  return { center: moved, spread: spreadOf(feature, moved, left, prior), response };
}

/** Like `learnScaling`, for a share of so many requests at the usual load. */
export function learnShareScaling(
  feature: Feature,
  values: readonly number[],
  requests: number,
  prior?: ScalingPrior,
): ColumnScaling | undefined {
  const sorted = sortedFinite(values);
  if (sorted.length === 0) return undefined;
  const center = quantileSorted(sorted, 0.5);
  const away = sortedFinite(values.map((value) => difference(feature, value, center)));
  const spread = Math.max(pooledSpread(away, prior), shareSpread(feature, center, requests));
  return { center, spread, response: NO_RESPONSE };
}

/** The robust spread of differences, shrunk towards the prior, at least what matters in practice. */
function spreadOf(feature: Feature, center: number, sorted: Float64Array, prior: ScalingPrior | undefined): number {
  return Math.max(pooledSpread(sorted, prior), minSpread(feature, center));
}

function pooledSpread(sorted: Float64Array, prior: ScalingPrior | undefined): number {
  const own = robustSpread(sorted);
  const known = prior !== undefined && Number.isFinite(prior.spread);
  const variance = known
    ? (sorted.length * own ** 2 + prior.weight * prior.spread ** 2) / (sorted.length + prior.weight)
    : own ** 2;
  return Math.sqrt(variance);
}

function minSpread(feature: Feature, center: number): number {
  const min = MIN_SPREAD[feature.scale];
  const size = Math.max(Math.abs(center), feature.floor);
  return feature.scale === 'linear' ? Math.max(min, MIN_LINEAR_SHARE * size) : min;
}

/** The difference of a value from the median that the load doesn't explain, scaled units. @param load as of `deviation` */
export function unexplained(feature: Feature, value: number, scaling: ColumnScaling, load: number): number {
  return difference(feature, value, scaling.center) - (scaling.response?.slope ?? 0) * load;
}

/**
 * Signed distance from what is expected at this load, in spreads; NaN for a missing or infinite value. The spread grows with
 * what isn't known: how the column follows a load this far from the usual one, or where it has never been, and what fewer
 * requests say, whose mean varies by the square root of their number; a share that is nearly nothing, by their number.
 *
 * @param load difference of the load from its median, a log ratio
 * @param beyond how far that is from where it has been, a log ratio of 0 or more
 */
export function deviation(feature: Feature, value: number, scaling: ColumnScaling, load = 0, beyond = 0): number {
  if (!Number.isFinite(value)) return NaN;
  const away = unexplained(feature, value, scaling, load);
  const { response, spread } = scaling;
  if (response === undefined || load === 0) return away / spread;
  if (isShareOfRequests(feature)) return away / (spread * Math.max(1, Math.exp(-load)));
  const sampling = spread ** 2 * Math.max(1, SCARCE_LOAD * Math.exp(-load));
  return away / Math.sqrt(sampling + (response.uncertainty * load) ** 2 + (MISFIT_BEYOND * beyond) ** 2);
}

/** How far values usually are from the median by chance, in the feature's unit: a spread. */
export function usualNoise(feature: Feature, { center, spread }: ColumnScaling): number {
  return feature.scale === 'log' ? spread * Math.max(center, feature.floor) : spread;
}

/** The 95th percentile of a normal distribution, in standard deviations. */
const USUAL_DEVIATIONS = 1.645;

export interface UsualRange {
  /** 5th and 95th percentile in the feature's unit. */
  readonly low: number;
  readonly high: number;
}

/**
 * The range of 90 % of a column's usual values: its scaling as a normal distribution. Where the median is below the
 * floor, so is what is usual, which is 0.
 */
export function usualRange(feature: Feature, { center, spread }: ColumnScaling): UsualRange {
  const reach = USUAL_DEVIATIONS * spread;
  const [low, high] = [valueAt(feature, -reach, center), valueAt(feature, reach, center)];
  if (feature.scale === 'linear') return { low, high };
  return { low: Math.max(0, low), high: feature.scale === 'ratio' ? Math.min(1, high) : high };
}

/** The value that differs from `center` by `away`, scaled units: the inverse of `difference`. */
export function valueAt(feature: Feature, away: number, center: number): number {
  const from = aboveFloor(feature, center);
  const offset = logOffset(feature, center);
  const above = feature.scale === 'log' ? (Math.max(from, 0) + offset) * Math.exp(away) - offset : from + away;
  if (feature.scale === 'log' && above <= 0) return 0;
  if (from === 0 && Math.abs(above) < feature.floor) return 0;
  return above === 0 ? center : above + Math.sign(above) * feature.floor;
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
