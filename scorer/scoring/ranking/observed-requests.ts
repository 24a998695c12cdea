import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { loadFeature } from '../../tensor/load.ts';
import { type ColumnScaling, usualNoise } from '../../tensor/scaling.ts';
import type { ServiceRequests } from './burden.ts';

/** Number of steps that what is observed for the ranking is averaged over: a single step may be noise. */
export const RANKED_STEPS = 3;

/** The scaling of each feature in the shortest window; undefined for one without any value. */
type Scalings = readonly (ColumnScaling | undefined)[] | undefined;

/** The features that tell of requests, by their column in the shortest window; undefined for one that isn't there. */
interface RequestColumns {
  readonly rate: number | undefined;
  readonly seconds: number | undefined;
  readonly failedShare: number | undefined;
}

export function requestColumns(features: readonly Feature[]): RequestColumns {
  const column = (wanted: (feature: Feature) => boolean) => {
    const index = features.findIndex(wanted);
    return index < 0 ? undefined : index;
  };
  return {
    rate: loadFeature(features),
    seconds: column(({ mean }) => mean === true),
    failedShare: column(({ signal, unit }) => signal === 'errors' && unit === 'ratio'),
  };
}

/** What a service was asked over the last steps; undefined if its features don't tell. */
export function serviceRequests(
  features: readonly Feature[],
  columns: RequestColumns,
  history: History,
  step: number,
  scalings: Scalings,
): ServiceRequests | undefined {
  const { rate, seconds, failedShare } = columns;
  if (rate === undefined || (seconds === undefined && failedShare === undefined)) return undefined;
  const asked = recent(history, rate, step);
  const busiest = Math.max(features[rate]!.floor, scalings?.[rate]?.center ?? 0, Number.isFinite(asked) ? asked : 0);
  const noise = (column: number | undefined) => {
    const scaling = column === undefined ? undefined : scalings?.[column];
    return scaling === undefined ? NaN : busiest * usualNoise(features[column!]!, scaling);
  };
  const more = (column: number | undefined) =>
    column === undefined ? NaN : recent(history, column, step) - (scalings?.[column]?.center ?? NaN);
  return {
    rate: asked,
    slower: more(seconds),
    failing: more(failedShare),
    noise: { slower: noise(seconds), failing: noise(failedShare) },
  };
}

/** The mean value over the last steps; NaN if none was observed. */
export function recent(history: History, column: number, step: number): number {
  let [sum, observed] = [0, 0];
  for (let back = 0; back < RANKED_STEPS; back++) {
    const value = history.get(step - back, column);
    if (Number.isNaN(value)) continue;
    sum += value;
    observed++;
  }
  return sum / observed;
}
