import { quantile } from '../../scorer/numeric/statistics.ts';
import { bootstrapMean, type Estimate, mean } from '../statistics.ts';
import { type Judged, type Outcome, type RankingTime, TIMES } from './outcomes.ts';

/** Shares of the faults whose service is among the first 1, 3 and 5. */
export interface Places {
  readonly at_1: Estimate;
  readonly at_3: Estimate;
  readonly at_5: Estimate;
}

/** The figures of some faults; intervals are over faults. */
export interface FaultFigures {
  readonly faults: number;
  readonly recall: Estimate;
  readonly recall_at_culprit: Estimate;
  readonly delay_p50_seconds: number;
  readonly cause: Readonly<Record<RankingTime, Places>>;
}

/** The figures of one method on one recording. */
export interface MethodFigures extends FaultFigures {
  readonly false_alarms_per_service_day: number;
  readonly false_alarms: readonly number[];
  readonly fault_free_service_days: number;
  readonly by_type: Readonly<Record<string, FaultFigures>>;
}

/** @param seeds what each seed's replay was judged as, the same faults in the same order */
export function figuresOf(seeds: readonly Judged[]): MethodFigures {
  const [first] = seeds;
  if (first === undefined) throw new Error('expected at least one seed');
  const byFault = first.outcomes.map((_, fault) => seeds.flatMap(({ outcomes }) => outcomes[fault] ?? []));
  const types = [...new Set(first.outcomes.map(({ type }) => type))].sort();
  const falseAlarms = seeds.map((seed) => seed.falseAlarms);
  return {
    ...faultFigures(byFault),
    false_alarms_per_service_day: mean(seeds.map((seed) => seed.falseAlarms / seed.serviceDays)),
    false_alarms: falseAlarms,
    fault_free_service_days: first.serviceDays,
    by_type: Object.fromEntries(
      types.map((type) => [type, faultFigures(byFault.filter(([outcome]) => outcome?.type === type))]),
    ),
  };
}

/** @param faults of each fault its outcomes, one for each seed */
function faultFigures(faults: readonly (readonly Outcome[])[]): FaultFigures {
  const share = (isHit: (outcome: Outcome) => boolean) =>
    bootstrapMean(faults.map((outcomes) => mean(outcomes.map((outcome) => (isHit(outcome) ? 1 : 0)))));
  const within = (time: RankingTime, count: number) => share(({ places }) => places[time] <= count);
  const cause = (time: RankingTime): Places => ({
    at_1: within(time, 1),
    at_3: within(time, 3),
    at_5: within(time, 5),
  });
  return {
    faults: faults.length,
    recall: share(({ seen }) => seen),
    recall_at_culprit: share(({ seenAtCulprit }) => seenAtCulprit),
    delay_p50_seconds: quantile(
      faults.flatMap((outcomes) => outcomes.map(({ delaySeconds }) => delaySeconds)),
      0.5,
    ),
    cause: Object.fromEntries(TIMES.map((time) => [time, cause(time)])) as Record<RankingTime, Places>,
  };
}
