import { shortestObserved } from '../features/columns.ts';
import type { Feature } from '../features/features.ts';
import { loadOf } from '../tensor/load.ts';
import { type ColumnScaling, difference, unexplained } from '../tensor/scaling.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { rawScore } from './errors.ts';

/** Above this score an anomaly is severe: its alert is critical (rules/services.alerts.yaml). */
export const SEVERE_SCORE = 3;

/** Answers take at least twice as long, are half as large, or cost twice or half as many calls. */
export const HARMFUL_CHANGE = Math.log(2);
/** At most a tenth of the traffic is left. */
const LOST_TRAFFIC = Math.log(10);
/** More than this ratio of a resource, beyond what more requests take, does harm even if nothing else is wrong. */
export const HARMFUL_SATURATION = Math.log(2.5);

/** What is observed of a service at one step. */
export interface Observed {
  readonly row: ArrayLike<number> | undefined;
  /** By column. */
  readonly scalings: readonly (ColumnScaling | undefined)[];
}

/**
 * The score of a service's errors. It is severe only if what its users feel makes it so: somebody is woken for slower answers,
 * failures and lost traffic, and for resources that will not last. However far they are from what is usual, more visitors,
 * quicker answers or half as much memory again are a matter for the day.
 *
 * @param errors one value per feature
 * @param threshold the raw score at which the score is 1
 * @returns NaN if nothing was observed
 */
export function scoreOf(
  { features }: TensorShape,
  errors: readonly number[],
  threshold: number,
  { row, scalings }: Observed,
): number {
  const score = rawScore(errors) / threshold;
  if (!(score > SEVERE_SCORE)) return score;
  const loads = loadOf(features, row, scalings);
  const harmful = errors.map((error, at) => (doesHarm(features, at, { row, scalings }, loads) ? error : 0));
  return Math.max(SEVERE_SCORE, rawScore(harmful) / threshold);
}

/** True if a feature is off in a way that users feel, or soon will. @param loads by channel, as of `loadOf` */
function doesHarm(
  features: readonly Feature[],
  at: number,
  { row, scalings }: Observed,
  loads: readonly number[],
): boolean {
  const column = shortestObserved(features, at, row);
  const scaling = column === undefined ? undefined : scalings[column];
  if (column === undefined || scaling === undefined) return false;
  const feature = features[at]!;
  const load = loads[Math.floor(column / features.length)] ?? 0;
  const value = row?.[column] ?? NaN;
  const away = unexplained(feature, value, scaling, load);
  // Only log ratios tell how large a change is; of other features only the direction is known.
  const reaches = (change: number, least: number) => change > 0 && (feature.scale !== 'log' || change >= least);
  switch (feature.signal) {
    case 'latency':
      return reaches(away, HARMFUL_CHANGE);
    case 'errors':
      if (feature.failure) return away > 0;
      // An error page is shorter than an answer; a longer one is a new version.
      return reaches(feature.unit === 'bytes' ? -away : Math.abs(away), HARMFUL_CHANGE);
    case 'traffic':
      return reaches(-away, LOST_TRAFFIC);
    case 'saturation':
      // Ten times the pods for ten times the visitors is what they are for.
      return reaches(
        Math.min(away, difference(feature, value, scaling.center) - Math.max(0, load)),
        HARMFUL_SATURATION,
      );
  }
}
