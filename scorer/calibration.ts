import { z } from 'zod';
import type { Feature } from './features.ts';
import type { History } from './history.ts';
import { type ColumnScaling, learnScaling } from './scaling.ts';
import { featureErrors, loudness, newestResiduals } from './scoring.ts';
import { median, quantile, quantileSorted, robustSpread, sortedFinite } from './statistics.ts';
import { allocateWindows, columnCount, encodeWindow, type TensorShape } from './tensor.ts';

/** What is expected of a service before it was watched: learned with the base model, over its whole fleet. */
export interface Prior {
  /** Scaled units, one for each column. */
  readonly spread: readonly number[];
  /** Fault-free residual of each column, deviations. */
  readonly residual: readonly number[];
  /** Loudness that fault-free windows don't exceed. */
  readonly threshold: number;
}

/** A figure of which nothing is known is null in JSON and NaN here. */
export const figureSchema = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

const priorSchema = z.object({
  spread: z.array(figureSchema),
  residual: z.array(figureSchema),
  threshold: z.number().positive(),
});

/** The prior that a model's card carries; undefined where it carries none. */
export function parsePrior(calibration: unknown): Prior | undefined {
  return calibration === undefined ? undefined : priorSchema.parse(calibration);
}

/** What is normal for one service. */
export interface Profile {
  readonly scalings: readonly (ColumnScaling | undefined)[];
  /** Fault-free residual of each column, deviations. */
  readonly residual: readonly number[];
  /** Loudness at which the score is 1. */
  readonly threshold: number;
  /** Windows learned from. */
  readonly windows: number;
}

/** Anything that reconstructs a batch of windows. */
export interface Reconstructor {
  reconstruct(data: Float32Array, mask: Float32Array, count: number): Promise<Float32Array>;
}

/** How many times the time it learned from a young profile is judged over. */
const YOUNG_SPAN = 4;
/** How many of a service's own values the prior weighs as much as. */
const PRIOR_WEIGHT = 60;
/** The same for the threshold, which rests on the rarest of them. */
const THRESHOLD_PRIOR_WEIGHT = 240;
/** A fault-free residual is this quantile of its column's residuals. */
const RESIDUAL_QUANTILE = 0.99;
/** Least fault-free residual in deviations: what a model reconstructs better than this would make specks loud. */
export const LEAST_RESIDUAL = 0.5;
/** The threshold's distance from the median in robust standard deviations of the logarithm of loudness. */
const TAIL_DEVIATIONS = 4.5;

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

/** Steps to learn from, both ends included. */
export interface LearningRange {
  readonly from: number;
  readonly to: number;
  /** First step that the model wasn't trained on; residuals and threshold rest on what follows. Default: `from`. */
  readonly heldOutFrom?: number;
}

/** Learns one service's profile from its normal period. */
export async function learnProfile(
  shape: TensorShape,
  history: History,
  range: LearningRange,
  model: Reconstructor,
  prior?: Prior,
): Promise<Profile> {
  const columns = columnCount(shape.features);
  const heldOut = { from: range.heldOutFrom ?? range.from, to: range.to };
  const scalings = learnScalings(shape.features, columns, history, range.from, range.to, prior?.spread);
  const residuals = await residualsOver(shape, history, heldOut, scalings, model);
  const residual = Array.from({ length: columns }, (_, column) => {
    const own = residuals.map((row) => row[column] ?? NaN);
    return shrink(own, quantile(own, RESIDUAL_QUANTILE), prior?.residual[column], PRIOR_WEIGHT);
  }).map((value) => Math.max(value, LEAST_RESIDUAL));
  const loudnesses = residuals.map((row) => loudness(featureErrors(shape, row, residual)));
  return {
    scalings,
    residual,
    threshold: shrink(loudnesses, tailThreshold(loudnesses), prior?.threshold, THRESHOLD_PRIOR_WEIGHT),
    windows: residuals.length,
  };
}

/**
 * Loudness of fault-free windows as profiles judge them that were learned from `youngSteps` alone, which is what a
 * service that was just added has. The centre of so short a time is off by as much as the load has moved since.
 */
export async function youngLoudness(
  shape: TensorShape,
  history: History,
  range: LearningRange,
  youngSteps: number,
  model: Reconstructor,
  prior: Prior,
): Promise<number[]> {
  const loudnesses: number[] = [];
  for (let from = range.from; from + 2 * youngSteps <= range.to; from += youngSteps) {
    const learned = { from, to: from + youngSteps - 1 };
    const { scalings, residual } = await learnProfile(shape, history, learned, model, prior);
    const judged = { from: learned.to + 1, to: Math.min(range.to, learned.to + YOUNG_SPAN * youngSteps) };
    for (const row of await residualsOver(shape, history, judged, scalings, model)) {
      loudnesses.push(loudness(featureErrors(shape, row, residual)));
    }
  }
  return loudnesses;
}

/** The residuals of a service's every step in a range, a row a step. */
export async function residualsOver(
  shape: TensorShape,
  history: History,
  range: { readonly from: number; readonly to: number },
  scalings: readonly (ColumnScaling | undefined)[],
  model: Reconstructor,
): Promise<Float32Array[]> {
  const count = range.to - range.from + 1;
  const windows = allocateWindows(shape, count);
  for (let index = 0; index < count; index++) {
    encodeWindow(shape, history, range.from + index, scalings, windows, index);
  }
  const reconstruction = await model.reconstruct(windows.data, windows.mask, count);
  const columns = columnCount(shape.features);
  const all = newestResiduals(shape, windows, reconstruction);
  return Array.from({ length: count }, (_, index) => all.subarray(index * columns, (index + 1) * columns)).filter(
    (row) => row.some(Number.isFinite),
  );
}

/**
 * A loudness that fault-free windows practically never reach: loudness is close to log-normal, so its
 * logarithm's median and robust spread extrapolate beyond what a short period has shown, and the
 * largest one seen is a lower bound but for one in a hundred, which may have been a fault.
 */
export function tailThreshold(loudnesses: readonly number[]): number {
  const logs = sortedFinite(loudnesses.map(Math.log));
  if (logs.length === 0) return NaN;
  const fitted = Math.exp(quantileSorted(logs, 0.5) + TAIL_DEVIATIONS * robustSpread(logs));
  return Math.max(fitted, quantile(loudnesses, RESIDUAL_QUANTILE));
}

/** Weighs a service's own estimate with the prior's by how many values it rests on. */
function shrink(values: readonly number[], own: number, prior: number | undefined, weight: number): number {
  const count = values.filter(Number.isFinite).length;
  if (prior === undefined || !Number.isFinite(prior)) return own;
  if (!Number.isFinite(own)) return prior;
  return (count * own + weight * prior) / (count + weight);
}

/**
 * A prior out of many services' profiles: the median of each figure over the fleet. Its threshold is that of their
 * own, long time; whoever wants it for services with a short one replaces it (`youngLoudness`).
 */
export function poolProfiles(columns: number, profiles: readonly Profile[]): Prior {
  const each = (pick: (profile: Profile, column: number) => number) =>
    Array.from({ length: columns }, (_, column) => median(profiles.map((profile) => pick(profile, column))));
  return {
    spread: each((profile, column) => profile.scalings[column]?.spread ?? NaN),
    residual: each((profile, column) => profile.residual[column] ?? NaN),
    threshold: median(profiles.map((profile) => profile.threshold)),
  };
}
