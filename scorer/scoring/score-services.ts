import { columnCount, columnIndex } from '../features/columns.ts';
import type { History } from '../fleet/history.ts';
import { isSilent, loadOf } from '../tensor/load.ts';
import { type ColumnScaling, deviation, usualRange } from '../tensor/scaling.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import {
  featureErrors,
  type FeatureShare,
  featureShares,
  type NewestErrors,
  ownEvidence,
  rawScore,
  widenScales,
} from './errors.ts';
import type { Experience } from './experience/experience.ts';
import type { LevelShift } from './experience/levels.ts';
import type { Judged } from './experience/seasons.ts';
import { type Trend, trendScore } from './experience/trends.ts';
import { idleLimits, isIdle } from './idle.ts';
import { scoreOf } from './severity.ts';
import type { Profile } from './profiles/profile.ts';
import type { Suspect } from './ranking/root-cause.ts';

export interface ServiceScore {
  readonly key: string;
  /** 0 is as expected, 1 is the threshold, above 1 is anomalous. */
  readonly score: number;
  /** What the score would be if nothing that recurs or has changed for good were tolerated. */
  readonly untolerated: number;
  readonly shares: readonly FeatureShare[];
  /** Features that have changed for good within the history that is learned from. */
  readonly shifts: readonly FeatureShift[];
}

/** What a feature has changed by: a ratio for features compared by ratio, otherwise a difference. */
export interface FeatureShift {
  readonly feature: string;
  readonly by: number;
}

/** A service with enough values, and its index in the batch. */
export interface ScorableService {
  readonly key: string;
  readonly history: History;
  readonly profile: Profile;
  /** The profile's scalings at the levels that the service has now. */
  readonly scalings: readonly (ColumnScaling | undefined)[];
  readonly index: number;
  /** True if another service of the fleet calls it: then that one has the error if its calls don't come. */
  readonly called: boolean;
}

/** Computes scores and evidence from the batch's errors; omits services without a finite score. */
export function scoreServices(
  shape: TensorShape,
  services: readonly ScorableService[],
  { residuals, deviations }: NewestErrors,
  step: number,
  experience: Experience | undefined,
  isExpected: (key: string) => boolean = () => false,
): { readonly scores: ServiceScore[]; readonly suspects: Suspect[] } {
  const columns = columnCount(shape.features);
  const scores: ServiceScore[] = [];
  const suspects: Suspect[] = [];
  for (const service of services) {
    const { key, profile, index } = service;
    const [start, end] = [index * columns, (index + 1) * columns];
    const own = { residuals: residuals.subarray(start, end), deviations: deviations.subarray(start, end) };
    const atNewLevel = featureErrors(shape, own, profile);
    const atOldLevel = oldErrors(shape, service, step, atNewLevel);
    const limits = isIdle(shape, service, step) ? idleLimits(shape, service, step, own.deviations) : undefined;
    const settled = atNewLevel.map((error, at) => Math.min(error, atOldLevel[at]!, limits?.[at] ?? Infinity));
    const tolerance = experience?.seasons.tolerance(key, step);
    const errors = settled.map((error, feature) => error / (tolerance?.[feature] ?? 1));
    const observed = { row: service.history.row(step), scalings: service.scalings };
    const score = scoreOf(shape, errors, profile.threshold, observed);
    if (!Number.isFinite(score)) continue;
    const worst = atNewLevel.map((error, at) => Math.max(error, atOldLevel[at]!));
    const untolerated = scoreOf(shape, worst, profile.threshold, observed);
    const trend = experience?.trends.trendOf(key);
    const shares = featureShares(shape, errors, profile.scalings);
    const shifts = (experience?.levels.shiftsOf(key) ?? []).map((shift) => featureShift(shape, shift));
    const scored = withTrend(shape, { key, score, untolerated, shares, shifts }, trend, profile);
    scores.push(scored);
    const scales = tolerance === undefined ? profile : widenScales(profile, tolerance);
    const inFull = ownEvidence(shape, own.residuals, scales);
    suspects.push({ key, evidence: suspicion(scored) * inFull, inFull });
    if (experience !== undefined) live(experience, shape, service, step, { settled, score, expected: isExpected(key) });
  }
  return { scores, suspects };
}

/**
 * How far a service's own signals count as evidence, 0..1: in full once its score is above the threshold. Of a large fleet some
 * calm service always has a few signals that are off, more than the cause of a faint incident.
 */
function suspicion({ score }: ServiceScore): number {
  return Math.min(1, score);
}

/**
 * Errors by the profile's own levels, for features that have another one now: deviations alone, as the model knows the new
 * levels. Going back to the old level is no error.
 */
function oldErrors(
  shape: TensorShape,
  { history, profile, scalings }: ScorableService,
  step: number,
  errors: readonly number[],
): readonly number[] {
  if (scalings === profile.scalings) return errors;
  const row = history.row(step);
  const load = loadOf(shape.features, row, profile.scalings)[0];
  return shape.features.map((feature, at) => {
    const column = columnIndex(shape.features, 0, at);
    const [old, value] = [profile.scalings[column], row?.[column] ?? NaN];
    if (old === undefined || old === scalings[column]) return errors[at]!;
    return Math.abs(deviation(feature, value, old, load)) / (profile.deviation[column] ?? NaN);
  });
}

function featureShift({ features }: TensorShape, { feature: index, by }: LevelShift): FeatureShift {
  const { name, scale } = features[index]!;
  return { feature: name, by: scale === 'log' ? Math.exp(by) : by };
}

/** Score of a service whose resources grow slowly, if that is what stands out most. */
function withTrend(
  { features }: TensorShape,
  scored: ServiceScore,
  trend: Trend | undefined,
  profile: Profile,
): ServiceScore {
  if (trend === undefined) return scored;
  const score = trendScore(trend);
  if (score <= Math.max(1, scored.score)) return scored;
  const feature = features[trend.feature]!;
  const scaling = profile.scalings[columnIndex(features, 0, trend.feature)];
  const share = { feature: feature.name, share: 1, usual: scaling && usualRange(feature, scaling) };
  return { ...scored, score, untolerated: Math.max(score, scored.untolerated), shares: [share] };
}

/** Share of the threshold from which a feature's error takes part in an anomaly. */
const TAKES_PART = 0.5;

/** What a step of a service was like. */
interface Lived {
  /** Errors before any tolerance, one value per feature. */
  readonly settled: readonly number[];
  readonly score: number;
  /** True if its anomalies are announced as expected. */
  readonly expected: boolean;
}

/** Adds a step to what the scorer has lived through. */
function live(
  { seasons, levels, trends }: Experience,
  shape: TensorShape,
  { key, history, profile }: ScorableService,
  step: number,
  { settled, score, expected }: Lived,
): void {
  const isTolerated = rawScore(settled) > profile.threshold;
  const judged: Judged = score > 1 && !expected ? 'anomalous' : isTolerated ? 'tolerated' : 'calm';
  seasons.record(key, step, settled, judged);
  trends.observe(key, history, step, profile.scalings);
  if (isSilent(shape.features, history.row(step))) return;
  const takesPart = (error: number) => score > 1 && error > TAKES_PART * profile.threshold;
  const deviating = settled.flatMap((error, at) => (takesPart(error) ? [at] : []));
  if (score > 1 || levels.shiftsOf(key).length > 0) levels.observe(shape, key, history, step, profile, deviating);
}
