import type { Reconstructor } from '../../detectors/reconstructor.ts';
import { columnCount } from '../../features/columns.ts';
import type { History } from '../../fleet/history.ts';
import type { ColumnScaling } from '../../tensor/scaling.ts';
import { allocateWindows, encodeWindow, type TensorShape } from '../../tensor/tensor.ts';
import { type ErrorScales, featureErrors, newestErrors, rawScore, type WindowErrors } from '../errors.ts';
import type { StepScore } from './threshold.ts';

/** The errors of one step, one value per column. */
export interface ErrorRow extends WindowErrors {
  readonly step: number;
}

/** Computes the errors of a service at `steps`; steps without any observed value are omitted. */
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

/** The raw score of each row. */
export function stepScores(shape: TensorShape, rows: readonly ErrorRow[], scales: ErrorScales): StepScore[] {
  return rows.map((row) => ({ step: row.step, rawScore: rawScore(featureErrors(shape, row, scales)) }));
}
