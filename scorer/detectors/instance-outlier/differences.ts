import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { median } from '../../numeric/statistics.ts';
import { difference } from '../../tensor/scaling.ts';

/** A pod of a service with the recent values of its features. */
export interface Instance {
  readonly key: string;
  readonly history: History;
}

/** Fewer instances than this have no majority to compare one with. */
export const MIN_INSTANCES = 3;

/**
 * How far each instance is from the middle of its service at `step`: [instance][feature], log ratios of log features,
 * differences of others, linear ones as a share of the middle. NaN where fewer than three instances have a value.
 *
 * The middle is the median of all instances, itself included: of three replicas one bad one then lies far from it and the good
 * ones on it, where the median of the others would put the good ones halfway.
 */
export function differences(
  features: readonly Feature[],
  instances: readonly Instance[],
  step: number,
): Float64Array[] {
  const rows = instances.map(({ history }) => history.row(step));
  const result = instances.map(() => new Float64Array(features.length).fill(NaN));
  for (const [column, feature] of features.entries()) {
    const values = rows.map((row) => row?.[column] ?? NaN);
    const present = values.filter(Number.isFinite);
    if (present.length < MIN_INSTANCES) continue;
    const middle = median(present);
    for (const [index, value] of values.entries()) {
      if (Number.isFinite(value)) result[index]![column] = relative(feature, value, middle);
    }
  }
  return result;
}

/** How far one group of values is from another: of their medians; NaN when either is empty. */
export function groupDifference(feature: Feature, group: readonly number[], others: readonly number[]): number {
  return relative(feature, median(group), median(others));
}

function relative(feature: Feature, value: number, middle: number): number {
  if (Number.isNaN(value) || Number.isNaN(middle)) return NaN;
  const plain = difference(feature, value, middle);
  return feature.scale === 'linear' ? plain / Math.max(Math.abs(middle), feature.floor, Number.MIN_VALUE) : plain;
}
