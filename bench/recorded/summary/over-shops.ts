import { Random } from '../../../scorer/numeric/random.ts';
import { median, quantile } from '../../../scorer/numeric/statistics.ts';
import { bootstrapMean, type Estimate, mean } from '../../statistics.ts';
import type { Outcome, RankingTime } from '../outcomes.ts';
import { asOutcome, type ShopOutcomes } from './outcomes-file.ts';

/** A figure of a method on one shop. */
export type Figure = (shop: ShopOutcomes) => number;

/** Median and range over shops. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Share of some faults of a shop; NaN without any. @param type of the faults; undefined: all */
export function share(isHit: (outcome: Outcome) => boolean, type?: string): Figure {
  return ({ outcomes }) => {
    const { hits, count } = hitsOf(outcomes, isHit, type);
    return hits / count;
  };
}

export const recall: Figure = share(({ seen }) => seen);
export const recallAtCulprit: Figure = share(({ seenAtCulprit }) => seenAtCulprit);
export const falseAlarmsPerDay: Figure = ({ false_alarms: alarms, service_days: days }) => alarms / days;

/** Share of the faults whose culprit is among the first `count`. */
export function causeAmong(time: RankingTime, count: number): Figure {
  return share(({ places }) => places[time] <= count);
}

export function spread(shops: readonly ShopOutcomes[], figure: Figure): Spread {
  const values = shops.map(figure).filter(Number.isFinite);
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** The mean difference from another method on the same shops, with an interval bootstrapped over shops. */
export function difference(shops: readonly ShopOutcomes[], from: readonly ShopOutcomes[], figure: Figure): Estimate {
  const others = new Map(from.map((shop) => [shop.recording, shop]));
  const pairs = shops.flatMap((shop) => {
    const other = others.get(shop.recording);
    return other === undefined ? [] : [figure(shop) - figure(other)];
  });
  return bootstrapMean(pairs.filter(Number.isFinite));
}

const RESAMPLES = 2000;
const SEED = 1;

/**
 * The share over the faults of all shops, with a 95 % interval. Shops are drawn with replacement, and not their faults, which
 * have their shop in common.
 */
export function shareOverShops(
  shops: readonly ShopOutcomes[],
  isHit: (outcome: Outcome) => boolean,
  type?: string,
): Estimate & { readonly faults: number } {
  const counts = shops.map(({ outcomes }) => hitsOf(outcomes, isHit, type));
  const ratio = (of: readonly { readonly hits: number; readonly count: number }[]) =>
    of.reduce((sum, { hits }) => sum + hits, 0) / of.reduce((sum, { count }) => sum + count, 0);
  const random = new Random(SEED);
  const draw = () => counts[Math.floor(random.uniform() * counts.length)]!;
  const resampled = Array.from({ length: RESAMPLES }, () => ratio(counts.map(draw)));
  return {
    faults: counts.reduce((sum, { count }) => sum + count, 0),
    mean: ratio(counts),
    low: quantile(resampled, 0.025),
    high: quantile(resampled, 0.975),
  };
}

/** The share on one shop, with an interval bootstrapped over its faults. */
export function shareOfShop({ outcomes }: ShopOutcomes, isHit: (outcome: Outcome) => boolean): Estimate {
  return bootstrapMean(outcomes.map((line) => (isHit(asOutcome(line)) ? 1 : 0)));
}

/** Median of the seconds until the first alert, over the faults of all shops that were seen. */
export function medianDelay(shops: readonly ShopOutcomes[]): number {
  return median(shops.flatMap(({ outcomes }) => outcomes.map((line) => asOutcome(line).delaySeconds)));
}

/** Types of faults, in alphabetical order. */
export function typesOf(shops: readonly ShopOutcomes[]): string[] {
  return [...new Set(shops.flatMap(({ outcomes }) => outcomes.map((line) => asOutcome(line).type)))].sort();
}

function hitsOf(outcomes: readonly string[], isHit: (outcome: Outcome) => boolean, type: string | undefined) {
  const wanted = outcomes.map(asOutcome).filter((outcome) => type === undefined || outcome.type === type);
  return { hits: mean(wanted.map((outcome) => (isHit(outcome) ? 1 : 0))) * wanted.length || 0, count: wanted.length };
}
