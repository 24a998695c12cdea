import { scopeOf } from '../identity/service-key.ts';

/** Shares of the faults whose service is among the first 1, 3 and 5 of the ranking. */
export interface Hits {
  readonly at_1: number;
  readonly at_3: number;
  readonly at_5: number;
}

/** The service of a fault, and the ranking during it; without a ranking, the fault counts as a miss. */
export interface RankedFault {
  readonly key: string;
  readonly ranking: readonly string[] | undefined;
}

/** Computes the hit rates, each among the services of the fault's own scope; NaN without faults. */
export function hitsOf(faults: readonly RankedFault[]): Hits {
  const within = (count: number) =>
    faults.filter(({ key, ranking = [] }) => ofScope(ranking, scopeOf(key)).slice(0, count).includes(key)).length /
    faults.length;
  return { at_1: within(1), at_3: within(3), at_5: within(5) };
}

function ofScope(ranking: readonly string[], scope: string): string[] {
  return ranking.filter((key) => scopeOf(key) === scope);
}
