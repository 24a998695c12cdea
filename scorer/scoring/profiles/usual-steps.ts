import { columnIndex } from '../../features/columns.ts';
import { CHANNELS } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { median, quantile } from '../../numeric/statistics.ts';
import { type ColumnScaling, deviation } from '../../tensor/scaling.ts';
import type { TensorShape } from '../../tensor/tensor.ts';
import { rawScore } from '../errors.ts';
import { fittedTail } from '../../numeric/tail.ts';

/** Maximum share of a service's steps to exclude as unusual: what is more frequent is its normal behaviour. */
const MAX_UNUSUAL_SHARE = 0.1;
/** Steps to exclude after an unusual one, which rates and lags still contain. */
const UNUSUAL_MARGIN_STEPS = 2;

/**
 * The steps of a range to learn from, without those that may contain faults, which would be learned as normal. It needs
 * no model: a step is excluded, with the two after it, if the raw score of its deviations from the service's own median
 * exceeds the fitted tail.
 */
export function usualSteps(
  shape: TensorShape,
  history: History,
  { from, to }: { readonly from: number; readonly to: number },
  scalings: readonly (ColumnScaling | undefined)[],
): number[] {
  const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
  const rawScores = observed.map((step) => rawScore(deviationsAt(shape, history, step, scalings)));
  const limit = Math.max(fittedTail(rawScores), quantile(rawScores, 1 - MAX_UNUSUAL_SHARE));
  const unusual = new Set<number>();
  for (const [index, step] of observed.entries()) {
    if (!((rawScores[index] ?? NaN) > limit)) continue;
    for (let after = 0; after <= UNUSUAL_MARGIN_STEPS; after++) unusual.add(step + after);
  }
  return observed.filter((step) => !unusual.has(step));
}

/** Each feature's absolute deviation from the service's median, as the median over the channels; NaN if unobserved. */
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
