import type { Reconstructor } from '../../detectors/reconstructor.ts';
import { columnCount } from '../../features/columns.ts';
import type { History } from '../../fleet/history.ts';
import { quantile } from '../../numeric/statistics.ts';
import type { TensorShape } from '../../tensor/tensor.ts';
import { type ErrorRow, errorsOver, stepScores } from './error-rows.ts';
import type { ErrorScales } from '../errors.ts';
import { type Prior, PRIOR_WEIGHT, shrink, THRESHOLD_PRIOR_WEIGHT } from './prior.ts';
import type { Profile } from './profile.ts';
import { learnScalings } from './scalings.ts';
import { FAULT_FREE_QUANTILE, maxIgnoringNaN } from '../../numeric/tail.ts';
import { tailThreshold } from './threshold.ts';
import { usualSteps } from './usual-steps.ts';

/** Minimum scale of residuals, deviations: without it, tiny residuals of a well reconstructed column would count. */
export const MIN_RESIDUAL = 0.5;
/** Minimum scale of deviations, for columns that are constant except in a few steps. */
export const MIN_DEVIATION = 1;

/** Steps to learn from, both ends included. */
export interface LearningRange {
  readonly from: number;
  readonly to: number;
  /** First step that the model wasn't trained on. Default: `from`. */
  readonly heldOutFrom?: number;
  /** Days from the first step to the last one. Default: a week. */
  readonly days?: number;
}

/**
 * Learns one service's profile from its normal period. Where the model was trained on a part of it, each scale and the
 * threshold are estimated on the whole period and on the held-out part, and the larger estimate counts: the whole has
 * more data, the held-out part is unbiased.
 *
 * @returns a profile whose threshold is NaN if no step was observed and there is no prior
 */
export async function learnProfile(
  shape: TensorShape,
  history: History,
  { from, to, heldOutFrom = from, days = 7 }: LearningRange,
  model: Reconstructor,
  prior?: Prior,
): Promise<Profile> {
  const columns = columnCount(shape.features);
  const scalings = learnScalings(shape.features, columns, history, from, to, {
    spread: prior?.spread,
    windows: shape.windows,
    days,
  });
  const seen = await errorsOver(shape, history, usualSteps(shape, history, { from, to }, scalings), scalings, model);
  const heldOut = seen.filter(({ step }) => step >= heldOutFrom);
  const estimate = (of: (rows: readonly ErrorRow[]) => number, expected: number | undefined, weight: number) =>
    shrink(seen.length, maxIgnoringNaN(of(seen), of(heldOut)), expected, weight);
  const scalesOf = (errors: keyof ErrorScales, min: number) =>
    Array.from({ length: columns }, (_, column) =>
      Math.max(
        min,
        estimate((rows) => faultFreeScale(rows, errors, column), prior?.[errors][column], PRIOR_WEIGHT),
      ),
    );
  const scales = { residual: scalesOf('residual', MIN_RESIDUAL), deviation: scalesOf('deviation', MIN_DEVIATION) };
  const threshold = estimate(
    (rows) => tailThreshold(stepScores(shape, rows, scales)),
    prior?.threshold,
    THRESHOLD_PRIOR_WEIGHT,
  );
  return { scalings, ...scales, threshold, windows: seen.length, days, from, to };
}

/** The magnitude that one column's errors rarely exceed in fault-free time, in deviations. */
function faultFreeScale(rows: readonly ErrorRow[], errors: keyof ErrorScales, column: number): number {
  const magnitudes = rows.map((row) =>
    Math.abs((errors === 'residual' ? row.residuals : row.deviations)[column] ?? NaN),
  );
  return quantile(magnitudes, FAULT_FREE_QUANTILE);
}
