import { columnIndex } from '../features/columns.ts';
import { CHANNELS } from '../features/features.ts';
import type { History } from '../fleet/history.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { median, quantile } from '../numeric/statistics.ts';
import { type ColumnScaling, deviation } from '../tensor/scaling.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { loudness } from './errors.ts';
import { fittedTail } from './threshold.ts';

/** At most this share of a service's time is set aside as anomalous: more of it is what the service is like. */
const MAX_UNUSUAL_SHARE = 0.1;
/** Rates and lags still show what was unusual this many steps before. */
const UNUSUAL_MARGIN = 2;

/**
 * The steps of a range at which the service was like itself: learning from time that held faults would make them normal.
 * Known before there is a model: a step is set aside, with those just after it, when the deviations from the service's own median
 * are together beyond the tail of their usual loudness.
 */
export function usualSteps(
  shape: TensorShape,
  history: History,
  { from, to }: { readonly from: number; readonly to: number },
  scalings: readonly (ColumnScaling | undefined)[],
): number[] {
  const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
  const loudnesses = observed.map((step) => loudness(deviationsAt(shape, history, step, scalings)));
  const limit = Math.max(fittedTail(loudnesses), quantile(loudnesses, 1 - MAX_UNUSUAL_SHARE));
  const unusual = new Set<number>();
  for (const [index, step] of observed.entries()) {
    if (!((loudnesses[index] ?? NaN) > limit)) continue;
    for (let after = 0; after <= UNUSUAL_MARGIN; after++) unusual.add(step + after);
  }
  return observed.filter((step) => !unusual.has(step));
}

/** Each feature's deviation from the service's median, the median over the channels; NaN where none was observed. */
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
