import type { Reconstructor } from '../detectors/reconstructor.ts';
import { columnCount } from '../features/columns.ts';
import type { History } from '../fleet/history.ts';
import { quantile } from '../numeric/statistics.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { type ErrorRow, errorsOver, loudSteps } from './error-rows.ts';
import type { ErrorScales } from './errors.ts';
import { type Prior, PRIOR_WEIGHT, shrink, THRESHOLD_PRIOR_WEIGHT } from './prior.ts';
import type { Profile } from './profile.ts';
import { learnScalings } from './scalings.ts';
import { FAULT_FREE_QUANTILE, larger, tailThreshold } from './threshold.ts';
import { usualSteps } from './usual-steps.ts';

/** Minimum fault-free residual, deviations: what a model reconstructs better than this would make specks loud. */
export const MIN_RESIDUAL = 0.5;
/** Minimum fault-free deviation: of a column that is constant but for a few steps. */
export const MIN_DEVIATION = 1;

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
  { from, to, heldOutFrom = from }: LearningRange,
  model: Reconstructor,
  prior?: Prior,
): Promise<Profile> {
  const columns = columnCount(shape.features);
  const scalings = learnScalings(shape.features, columns, history, from, to, prior?.spread);
  const seen = await errorsOver(shape, history, usualSteps(shape, history, { from, to }, scalings), scalings, model);
  const heldOut = seen.filter(({ step }) => step >= heldOutFrom);
  const estimate = (of: (rows: readonly ErrorRow[]) => number, expected: number | undefined, weight: number) =>
    shrink(seen.length, larger(of(seen), of(heldOut)), expected, weight);
  const sizes = (errors: keyof ErrorScales, min: number) =>
    Array.from({ length: columns }, (_, column) =>
      Math.max(
        min,
        estimate((rows) => faultFreeSize(rows, errors, column), prior?.[errors][column], PRIOR_WEIGHT),
      ),
    );
  const scales = { residual: sizes('residual', MIN_RESIDUAL), deviation: sizes('deviation', MIN_DEVIATION) };
  const threshold = estimate(
    (rows) => tailThreshold(loudSteps(shape, rows, scales)),
    prior?.threshold,
    THRESHOLD_PRIOR_WEIGHT,
  );
  return { scalings, ...scales, threshold, windows: seen.length, from, to };
}

/** The size that one column's errors don't exceed in fault-free time. */
function faultFreeSize(rows: readonly ErrorRow[], errors: keyof ErrorScales, column: number): number {
  const sizes = rows.map((row) => Math.abs((errors === 'residual' ? row.residuals : row.deviations)[column] ?? NaN));
  return quantile(sizes, FAULT_FREE_QUANTILE);
}
