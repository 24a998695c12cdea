import type { Feature, FeatureSet } from '../../features/features.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { History } from '../../fleet/history.ts';
import { edgeEnds, serviceKey } from '../../identity/service-key.ts';
import { NORMAL_P99 } from '../../numeric/statistics.ts';
import { deviation } from '../../tensor/scaling.ts';
import type { EdgeScalings } from '../profiles/profiles-file.ts';

/** Steps that failures are averaged over: those of a single step may be noise. */
const RECENT_STEPS = 3;
/** Growth of the failures of an edge without a profile, from which on they count. */
const GROWTH = 2;

/**
 * How much more calls to each service fail than usual, as its callers see it: 1 at the bound of what is usual. Callers
 * without a value at `step` don't count, as they may have ended themselves.
 *
 * @param servers keys of the services to look at
 * @param scalings of the edges that were learned; others are compared with their own past
 * @returns by service; only services with a caller whose calls failed at some time
 */
export function failingCalls(
  { edges: features }: FeatureSet,
  fleet: Fleet,
  step: number,
  servers: ReadonlySet<string>,
  scalings: ReadonlyMap<string, EdgeScalings> | undefined,
): Map<string, number> {
  const failing = new Map<string, number>();
  if (servers.size === 0) return failing;
  const columns = features.flatMap(({ failure }, column) => (failure ? [column] : []));
  for (const [key, history] of fleet.edges) {
    const { client, server } = edgeEnds(key);
    const called = serviceKey(server);
    if (!servers.has(called) || serviceKey(client) === called || history.observed(step) === 0) continue;
    for (const column of columns) {
      const growth = growthOf(features[column]!, history, column, step, scalings?.get(key));
      if (growth > (failing.get(called) ?? 0)) failing.set(called, growth);
    }
  }
  return failing;
}

/** The recent failures relative to what is usual; NaN if unknown. */
function growthOf(
  feature: Feature,
  history: History,
  column: number,
  step: number,
  scalings: EdgeScalings | undefined,
): number {
  const recent = mean(history, column, step - RECENT_STEPS + 1, step);
  const scaling = scalings?.[column];
  if (scaling !== undefined) return deviation(feature, recent, scaling) / NORMAL_P99;
  const before = mean(history, column, step - history.capacity + 1, step - RECENT_STEPS);
  const usual = Math.max(feature.floor, GROWTH * (Number.isNaN(before) ? 0 : before));
  if (usual > 0) return recent / usual;
  return recent > 0 ? GROWTH : NaN;
}

/** The mean of a column's values from one step to another, both included; NaN without any. */
function mean(history: History, column: number, from: number, to: number): number {
  let [sum, observed] = [0, 0];
  for (let step = from; step <= to; step++) {
    const value = history.get(step, column);
    if (Number.isNaN(value)) continue;
    sum += value;
    observed++;
  }
  return sum / observed;
}
