import { columnIndex } from '../../features/columns.ts';
import { CHANNELS } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { recurringMagnitude } from '../../numeric/recurrence.ts';
import { median, quantile } from '../../numeric/statistics.ts';
import { loadOf } from '../../tensor/load.ts';
import { type ColumnScaling, deviation } from '../../tensor/scaling.ts';
import type { TensorShape } from '../../tensor/tensor.ts';
import { rawScore } from '../errors.ts';
import { fittedTail, maxIgnoringNaN } from '../../numeric/tail.ts';

/** Maximum share of a service's steps to exclude as unusual: what is more frequent is its normal behaviour. */
const MAX_UNUSUAL_SHARE = 0.1;
/** Steps to exclude after an unusual one, which rates and lags still contain. */
const UNUSUAL_MARGIN_STEPS = 2;

/** What is this many times as unusual as what recurs is excluded. */
const EXCEPTIONAL = 1;

/**
 * The steps of a range to learn from, without those that may contain faults, which would be learned as normal. It needs
 * no model: a step is excluded, with the two after it, if the raw score of its deviations from the service's own median
 * exceeds the fitted tail. What recurs over the range is learned, however unusual.
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
  const recurring = recurringMagnitude(
    observed.map((step, index) => ({ step, value: rawScores[index] ?? NaN })),
    from,
    to,
  );
  const excluded = new Set<number>();
  for (const [index, step] of observed.entries()) {
    if (!((rawScores[index] ?? NaN) > maxIgnoringNaN(limit, EXCEPTIONAL * recurring))) continue;
    for (let after = 0; after <= UNUSUAL_MARGIN_STEPS; after++) excluded.add(step + after);
  }
  return observed.filter((step) => !excluded.has(step));
}

/** Each feature's absolute deviation from the service's median, as the median over the channels; NaN if unobserved. */
function deviationsAt(
  shape: TensorShape,
  history: History,
  step: number,
  scalings: readonly (ColumnScaling | undefined)[],
): number[] {
  const loads = loadOf(shape.features, history.row(step), scalings);
  return shape.features.map((feature, at) =>
    median(
      CHANNELS.map((_, channel) => {
        const column = columnIndex(shape.features, channel, at);
        const [scaling, value] = [scalings[column], history.get(step, column)];
        return scaling === undefined ? NaN : Math.abs(deviation(feature, value, scaling, loads[channel]));
      }),
    ),
  );
}
