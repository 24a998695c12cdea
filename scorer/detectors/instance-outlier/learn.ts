import { z } from 'zod';
import type { Feature } from '../../features/features.ts';
import { median, robustSpread, sortedFinite } from '../../numeric/statistics.ts';
import { tailOfPairs } from '../../numeric/tail.ts';
import { differences, type Instance } from './differences.ts';

/** What is learned of one service. */
export const instanceModelSchema = z.strictObject({
  /**
   * By feature, how far from the middle its instances usually are, ascending: shards, leaders and instances with a hot key
   * differ for good. One number where they don't.
   */
  levels: z.array(z.array(z.number())),
  /** By feature, standard deviation of an instance around its own level. */
  spreads: z.array(z.number().positive()),
  /** Largest error over instances and features that fault-free time doesn't keep for two steps, in spreads. */
  threshold: z.number().positive(),
  /** Steps learned from. */
  steps: z.int().positive(),
});
export type InstanceModel = z.output<typeof instanceModelSchema>;

/** Replicas never differ by less than this in a way that matters: log ratios, shares. */
const MIN_SPREAD: Readonly<Record<Feature['scale'], number>> = { log: 0.05, linear: 0.05, ratio: 0.01 };
/** A level of its own is at least this many spreads from the next. */
const LEVEL_DISTANCE = 2;
/** An instance needs this many values for its level to be known. */
const MIN_VALUES = 10;
/** No service is calm enough to warn below this many spreads. */
const MIN_THRESHOLD = 4;

/**
 * Learns how a service's instances differ in fault-free time.
 *
 * @returns undefined where three instances were never there together for long enough
 */
export function learnInstances(
  features: readonly Feature[],
  instances: readonly Instance[],
  steps: readonly number[],
): InstanceModel | undefined {
  const rows = steps.map((step) => differences(features, instances, step));
  const compared = rows.filter((row) => row.some((of) => of.some(Number.isFinite))).length;
  if (compared < MIN_VALUES) return undefined;
  const levels: number[][] = [];
  const spreads: number[] = [];
  for (const [column, { scale }] of features.entries()) {
    const own = instances.map((_, index) => rows.map((row) => row[index]![column]!).filter(Number.isFinite));
    const known = own.filter((values) => values.length >= MIN_VALUES);
    const centres = known.map((values) => median(values));
    const around = known.flatMap((values, index) => values.map((value) => value - centres[index]!));
    const spread = Math.max(MIN_SPREAD[scale], robustSpread(sortedFinite(around)) || 0);
    spreads.push(spread);
    levels.push(distinctLevels(centres, LEVEL_DISTANCE * spread));
  }
  const quiet = { levels, spreads };
  const worst = rows.map((row) =>
    Math.max(...row.map((of) => Math.max(0, ...instanceErrors(quiet, of).filter(Number.isFinite)))),
  );
  const tail = tailOfPairs(steps.map((step, index) => ({ step, error: worst[index]! })));
  return { ...quiet, threshold: Math.max(MIN_THRESHOLD, tail || 0), steps: compared };
}

/**
 * Each feature's distance from the nearest level of the service, in spreads; NaN where unknown. An instance may take over
 * another one's level, as when a new leader is elected, without being an outlier.
 */
export function instanceErrors(
  { levels, spreads }: Pick<InstanceModel, 'levels' | 'spreads'>,
  of: Float64Array,
): number[] {
  return Array.from(of, (value, column) => {
    const nearest = (levels[column] ?? []).reduce((least, level) => Math.min(least, Math.abs(value - level)), Infinity);
    return (Number.isFinite(nearest) ? nearest : Math.abs(value)) / (spreads[column] ?? NaN);
  });
}

/** Levels at least `distance` apart; 0, the middle, is always one. */
function distinctLevels(centres: readonly number[], distance: number): number[] {
  const distinct = [0];
  for (const centre of [...centres].sort((a, b) => Math.abs(a) - Math.abs(b))) {
    if (distinct.every((level) => Math.abs(level - centre) > distance)) distinct.push(centre);
  }
  return distinct.sort((a, b) => a - b);
}
