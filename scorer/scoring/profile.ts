import { z } from 'zod';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import { CHANNELS, type Feature } from '../features/features.ts';
import type { History } from '../fleet/history.ts';
import { type ColumnScaling, deviation, learnScaling } from '../tensor/scaling.ts';
import { type ErrorScales, featureErrors, loudness, newestErrors, type WindowErrors } from './errors.ts';
import { median, quantile, quantileSorted, robustSpread, sortedFinite, NORMAL_P99 } from '../numeric/statistics.ts';
import { allocateWindows, encodeWindow, type TensorShape } from '../tensor/tensor.ts';
import { columnCount, columnIndex } from '../features/columns.ts';

/** What is expected of a service before it was watched: learned with the base model, over its whole fleet. */
export interface Prior extends ErrorScales {
  /** Scaled units, one for each column. */
  readonly spread: readonly number[];
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
  deviation: z.array(figureSchema),
  threshold: z.number().positive(),
});

/** The prior that a model's card carries; undefined where it carries none or one of other figures than these. */
export function parsePrior(calibration: unknown): Prior | undefined {
  return priorSchema.safeParse(calibration).data;
}

/** What is normal for one service. */
export interface Profile extends ErrorScales {
  readonly scalings: readonly (ColumnScaling | undefined)[];
  /** Loudness at which the score is 1. */
  readonly threshold: number;
  /** Windows learned from. */
  readonly windows: number;
  /** First and last step learned from. */
  readonly from: number;
  readonly to: number;
}

/** How many times the time it learned from a young profile is judged over: by then it is learned anew. */
const YOUNG_SPAN = 2;
/** How many of a service's own values the prior weighs as much as. */
const PRIOR_WEIGHT = 60;
/** The same for the threshold, which rests on the rarest of them. */
const THRESHOLD_PRIOR_WEIGHT = 240;
/** The fault-free size of a column's errors is this quantile of them. */
const ERROR_QUANTILE = 0.997;
/** Least fault-free residual, deviations: what a model reconstructs better than this would make specks loud. */
export const LEAST_RESIDUAL = 0.5;
/** Least fault-free deviation: of a column that is constant but for a few steps. */
export const LEAST_DEVIATION = 1;
/** The threshold's distance from the median in robust standard deviations of the logarithm of loudness. */
const TAIL_DEVIATIONS = 3.5;
/** At most this share of a service's time is set aside as anomalous: more of it is what the service is like. */
const MOST_UNUSUAL = 0.1;
/** Rates and lags still show what was unusual so many steps before. */
const UNUSUAL_MARGIN = 2;

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

/** Steps to learn from, both ends included. */
export interface LearningRange {
  readonly from: number;
  readonly to: number;
  /** First step that the model wasn't trained on; residuals and threshold rest on what follows. Default: `from`. */
  readonly heldOutFrom?: number;
}

/**
 * Learns one service's profile from its normal period. Where the model was trained on a part of it, both the whole and
 * the part that it didn't see are looked at, and the larger figure counts: the one has more time, the other no kinship.
 */
export async function learnProfile(
  shape: TensorShape,
  history: History,
  range: LearningRange,
  model: Reconstructor,
  prior?: Prior,
): Promise<Profile> {
  const columns = columnCount(shape.features);
  const scalings = learnScalings(shape.features, columns, history, range.from, range.to, prior?.spread);
  const seen = await errorsOver(shape, history, usualSteps(shape, history, range, scalings), scalings, model);
  const heldOut = seen.filter(({ step }) => step >= (range.heldOutFrom ?? range.from));
  const scaleOf = (pick: (row: ErrorRow) => ArrayLike<number>, least: number, expected?: readonly number[]) =>
    Array.from({ length: columns }, (_, column) => {
      const most = (rows: readonly ErrorRow[]) =>
        quantile(
          rows.map((row) => Math.abs(pick(row)[column] ?? NaN)),
          ERROR_QUANTILE,
        );
      return Math.max(least, shrink(seen.length, larger(most(seen), most(heldOut)), expected?.[column], PRIOR_WEIGHT));
    });
  const scales: ErrorScales = {
    residual: scaleOf((row) => row.residuals, LEAST_RESIDUAL, prior?.residual),
    deviation: scaleOf((row) => row.deviations, LEAST_DEVIATION, prior?.deviation),
  };
  const threshold = (rows: readonly ErrorRow[]) => tailThreshold(rows.map((row) => loudStep(shape, row, scales)));
  return {
    scalings,
    ...scales,
    threshold: shrink(
      seen.length,
      larger(threshold(seen), threshold(heldOut)),
      prior?.threshold,
      THRESHOLD_PRIOR_WEIGHT,
    ),
    windows: seen.length,
    from: range.from,
    to: range.to,
  };
}

/**
 * Loudness that fault-free time kept for two steps, as profiles judge it that were learned from `youngSteps` alone, which is what a
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
    const profile = await learnProfile(shape, history, learned, model, prior);
    const judged = { from: learned.to + 1, to: Math.min(range.to, learned.to + YOUNG_SPAN * youngSteps) };
    const steps = stepsBetween(judged.from, judged.to);
    const rows = await errorsOver(shape, history, steps, profile.scalings, model);
    loudnesses.push(...keptLoudness(rows.map((row) => loudStep(shape, row, profile))));
  }
  return loudnesses;
}

/** NaN only when both are. */
function larger(a: number, b: number): number {
  return Number.isNaN(a) ? b : Math.max(a, Number.isNaN(b) ? a : b);
}

/**
 * The steps of a range at which the service was like itself: learning from time that held faults would make them normal.
 * Known before there is a model: a step is set aside, with those just after it, when the deviations from the service's own median
 * are together beyond the tail of their usual loudness.
 */
export function usualSteps(
  shape: TensorShape,
  history: History,
  { from, to }: Pick<LearningRange, 'from' | 'to'>,
  scalings: readonly (ColumnScaling | undefined)[],
): number[] {
  const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
  const loudnesses = observed.map((step) => loudness(deviationsAt(shape, history, step, scalings)));
  const limit = Math.max(fittedTail(loudnesses), quantile(loudnesses, 1 - MOST_UNUSUAL));
  const unusual = new Set<number>();
  for (const [index, step] of observed.entries()) {
    if (!((loudnesses[index] ?? NaN) > limit)) continue;
    for (let after = 0; after <= UNUSUAL_MARGIN; after++) unusual.add(step + after);
  }
  return observed.filter((step) => !unusual.has(step));
}

function deviationsAt(
  shape: TensorShape,
  history: History,
  step: number,
  scalings: readonly (ColumnScaling | undefined)[],
): number[] {
  return shape.features.map((feature, at) =>
    median(
      CHANNELS.map((_, channel) => {
        const column = columnIndex(shape.features, channel, at);
        const scaling = scalings[column];
        return scaling === undefined ? NaN : Math.abs(deviation(feature, history.get(step, column), scaling));
      }),
    ),
  );
}

export function stepsBetween(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

/** The errors of one step, a value a column. */
export interface ErrorRow extends WindowErrors {
  readonly step: number;
}

/** The errors of a service at each of `steps` where anything was observed. */
export async function errorsOver(
  shape: TensorShape,
  history: History,
  steps: readonly number[],
  scalings: readonly (ColumnScaling | undefined)[],
  model: Reconstructor,
): Promise<ErrorRow[]> {
  const windows = allocateWindows(shape, steps.length);
  for (const [index, step] of steps.entries()) encodeWindow(shape, history, step, scalings, windows, index);
  const reconstruction = await model.reconstruct(windows.data, windows.mask, steps.length);
  const columns = columnCount(shape.features);
  const { residuals, deviations } = newestErrors(shape, windows, reconstruction);
  return steps
    .map((step, index) => ({
      step,
      residuals: residuals.subarray(index * columns, (index + 1) * columns),
      deviations: deviations.subarray(index * columns, (index + 1) * columns),
    }))
    .filter((row) => row.residuals.some(Number.isFinite));
}

/** Loudness at a step; steps ascend. */
export interface LoudStep {
  readonly step: number;
  readonly loudness: number;
}

/**
 * A loudness that fault-free time practically never keeps: the fitted tail, and no less than all but three in a thousand of the
 * pairs of neighbouring steps kept, as an alert asks for two in a row. Single wild steps are the service's nature and don't
 * raise the threshold.
 */
export function tailThreshold(steps: readonly LoudStep[]): number {
  return larger(fittedTail(steps.map((at) => at.loudness)), quantile(keptLoudness(steps), ERROR_QUANTILE));
}

/** What each pair of neighbouring steps both reached. */
function keptLoudness(steps: readonly LoudStep[]): number[] {
  return steps.flatMap(({ step, loudness: loud }, index) => {
    const before = steps[index - 1];
    return before?.step === step - 1 ? [Math.min(before.loudness, loud)] : [];
  });
}

function loudStep(shape: TensorShape, row: ErrorRow, scales: ErrorScales): LoudStep {
  return { step: row.step, loudness: loudness(featureErrors(shape, row, scales)) };
}

/**
 * Loudness is close to log-normal, so its logarithm's median and robust spread extrapolate beyond what a short period has shown.
 */
function fittedTail(loudnesses: readonly number[]): number {
  const logs = sortedFinite(loudnesses.map(Math.log));
  return Math.exp(quantileSorted(logs, 0.5) + TAIL_DEVIATIONS * robustSpread(logs));
}

/** Weighs a service's own estimate with the prior's by how many windows it rests on. */
function shrink(count: number, own: number, prior: number | undefined, weight: number): number {
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
    deviation: each((profile, column) => profile.deviation[column] ?? NaN),
    threshold: median(profiles.map((profile) => profile.threshold)),
  };
}
