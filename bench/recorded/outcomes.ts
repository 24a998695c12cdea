import { alertsOf, type Debounce } from '../../scorer/backtest/alerts.ts';
import { detections, faultFreeServiceDays, type FaultSpan } from '../../scorer/backtest/detection.ts';
import { RANKING_CYCLES } from '../../scorer/backtest/figures.ts';
import type { Replay } from '../../scorer/backtest/replay.ts';
import { scopeOf } from '../../scorer/identity/service-key.ts';

/** When a ranking is judged. */
export const TIMES = ['start', 'late', 'alert'] as const;
export type RankingTime = (typeof TIMES)[number];

/** Cycles from a fault's known start to the ranking that is judged if the start is known a cycle late. */
const LATE_CYCLES = RANKING_CYCLES + 1;

/** What became of one fault. */
export interface Outcome {
  readonly type: string;
  /** True if an alert of any service began during it. */
  readonly seen: boolean;
  /** True if an alert of the faulty service itself did. */
  readonly seenAtCulprit: boolean;
  /** Seconds from its start until the first of these alerts fired. */
  readonly delaySeconds: number;
  /** The faulty service's place in the ranking, from 1; infinite if it isn't there. */
  readonly places: Readonly<Record<RankingTime, number>>;
}

export interface Judged {
  readonly outcomes: readonly Outcome[];
  readonly falseAlarms: number;
  readonly serviceDays: number;
}

/** When alerts fire, and the time that steps stand for. */
export interface Timing {
  readonly intervalMs: number;
  readonly debounce: Debounce;
  /** Real time that a millisecond of the recording stands for. */
  readonly timeScale: number;
}

/** Judges a replay fault by fault; days and delays are in real time. */
export function judge(
  replay: Replay,
  faults: readonly FaultSpan[],
  { intervalMs, debounce, timeScale }: Timing,
): Judged {
  const alerts = alertsOf(replay, debounce);
  const found = detections(faults, alerts);
  const placeAt = ({ key }: FaultSpan, step: number | undefined) => {
    const ranking = step === undefined ? undefined : replay.rankings.get(step);
    const place = ranking?.filter((other) => scopeOf(other) === scopeOf(key)).indexOf(key) ?? -1;
    return place < 0 ? Infinity : place + 1;
  };
  const outcomes = found.map(({ fault, alert }, index) => {
    const own = alerts.filter(({ key }) => key === fault.key);
    return {
      type: fault.type,
      seen: alert !== undefined,
      seenAtCulprit: detections(faults, own)[index]?.alert !== undefined,
      delaySeconds: alert === undefined ? NaN : (timeScale * (alert.firing * intervalMs - fault.startMs)) / 1000,
      places: {
        start: placeAt(fault, fault.first + RANKING_CYCLES),
        late: placeAt(fault, fault.first + LATE_CYCLES),
        alert: placeAt(fault, alert?.firing),
      },
    };
  });
  const during = alerts.filter(({ firing, last }) =>
    faults.some((fault) => firing <= fault.last && last >= fault.first),
  );
  return {
    outcomes,
    falseAlarms: alerts.length - during.length,
    serviceDays: timeScale * faultFreeServiceDays(replay.steps, replay.scores, faults, intervalMs),
  };
}
