import { alertsOf, type Alert, DEBOUNCE, type Debounce } from './alerts.ts';
import { type Detection, detectionFigures, detections, faultFreeServiceDays, type FaultSpan } from './detection.ts';
import { type Hits, hitsOf } from './ranking.ts';
import type { Replay } from './replay.ts';
import { vusPr } from './vus-pr.ts';

/** Cycles from a fault's start to the ranking that is evaluated, as in the published methods. */
export const RANKING_CYCLES = 3;
/** Maximum buffer length of VUS-PR, steps. */
const MAX_VUS_BUFFER = 10;

/** The evaluation metrics of a detector; NaN (null in JSON) where nothing could be measured. */
export interface Figures {
  readonly recall: number;
  readonly event_precision: number;
  readonly false_alarms_per_service_day: number;
  readonly delay_seconds: { readonly p50: number; readonly p90: number };
  readonly vus_pr: number;
  readonly root_cause: Hits;
  readonly root_cause_at_alert: Hits;
  readonly by_type: Readonly<
    Record<string, { readonly faults: number; readonly recall: number; readonly at_1: number }>
  >;
}

/** The evaluation metrics and the data they are computed from. */
export interface Evaluation {
  readonly figures: Figures;
  readonly detections: readonly Detection[];
  readonly alerts: readonly Alert[];
  readonly serviceDays: number;
  /** The ranking three cycles after the start of each fault. */
  readonly rankings: readonly (readonly string[] | undefined)[];
}

/** Time after a fault's end in which an alert may still be due to it: the longest window plus the debounce. */
export function graceMs(longestWindowMs: number, intervalMs: number, debounce: Debounce = DEBOUNCE): number {
  return longestWindowMs + debounce.of * intervalMs;
}

/** Evaluates replayed scores and rankings against known faults. */
export function evaluate(
  replay: Replay,
  faults: readonly FaultSpan[],
  intervalMs: number,
  debounce: Debounce = DEBOUNCE,
): Evaluation {
  const alerts = alertsOf(replay, debounce);
  const found = detections(faults, alerts);
  const { recall, eventPrecision, falseAlarms, delaySeconds } = detectionFigures(found, alerts, intervalMs);
  const serviceDays = faultFreeServiceDays(replay.steps, replay.scores, faults, intervalMs);
  const rankings = faults.map((fault) => replay.rankings.get(fault.first + RANKING_CYCLES));
  const known = faults.map(({ key }, index) => ({ key, ranking: rankings[index] }));
  const atAlert = found.map(({ fault, alert }) => ({
    key: fault.key,
    ranking: alert === undefined ? undefined : replay.rankings.get(alert.firing),
  }));
  const figures: Figures = {
    recall,
    event_precision: eventPrecision,
    false_alarms_per_service_day: falseAlarms / serviceDays,
    delay_seconds: delaySeconds,
    vus_pr: vusPr(labelled(replay, faults, intervalMs), MAX_VUS_BUFFER),
    root_cause: hitsOf(known),
    root_cause_at_alert: hitsOf(atAlert),
    by_type: Object.fromEntries(
      [...new Set(faults.map(({ type }) => type))].sort().map((type) => {
        const of = found.filter(({ fault }) => fault.type === type);
        return [
          type,
          {
            faults: of.length,
            recall: of.filter(({ alert }) => alert !== undefined).length / of.length,
            at_1: hitsOf(known.filter((_, index) => faults[index]?.type === type)).at_1,
          },
        ];
      }),
    ),
  };
  return { figures, detections: found, alerts, serviceDays, rankings };
}

function labelled({ steps, scores }: Replay, faults: readonly FaultSpan[], intervalMs: number) {
  return [...scores].map(([key, values]) => {
    const own = faults.filter((fault) => fault.key === key);
    const labels = steps.map((step) =>
      own.some(({ first, endMs }) => step >= first && step <= Math.floor(endMs / intervalMs)) ? 1 : 0,
    );
    return { scores: values, labels };
  });
}
