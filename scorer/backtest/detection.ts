import { scopeOf } from '../identity/service-key.ts';
import { quantile } from '../numeric/statistics.ts';
import type { Alert } from './alerts.ts';
import type { Fault } from './labels.ts';

/** A fault with its steps. */
export interface FaultSpan extends Fault {
  /** First step at or after its start. */
  readonly first: number;
  /** Last step at which an alert may be due to it: its end plus the grace period. */
  readonly last: number;
}

export interface Detection {
  readonly fault: FaultSpan;
  /**
   * The first alert of any service of the fault's scope with its onset and firing within the fault's steps; undefined
   * if there is none.
   */
  readonly alert: Alert | undefined;
}

/** @param graceMs time after a fault's end in which an alert may still be due to it */
export function faultSpans(faults: readonly Fault[], intervalMs: number, graceMs: number): FaultSpan[] {
  return faults.map((fault) => ({
    ...fault,
    first: Math.ceil(fault.startMs / intervalMs),
    last: Math.floor((fault.endMs + graceMs) / intervalMs),
  }));
}

/**
 * Assigns to each fault the alert that detected it. An alert that was already firing at the fault's start doesn't
 * count, however long it lasts. A fault's span ends at the latest where the next fault of its scope starts.
 *
 * @param alerts ordered by the step at which they fire
 */
export function detections(faults: readonly FaultSpan[], alerts: readonly Alert[]): Detection[] {
  return faults.map((fault, index) => {
    const next = faults.slice(index + 1).find((other) => isOfScope(other, fault));
    const until = Math.min(fault.last, (next?.first ?? Infinity) - 1);
    const due = (alert: Alert) => isOfScope(alert, fault) && alert.onset >= fault.first && alert.firing <= until;
    return { fault, alert: alerts.find(due) };
  });
}

function isOfScope(one: { readonly key: string }, fault: { readonly key: string }): boolean {
  return scopeOf(one.key) === scopeOf(fault.key);
}

export interface DetectionFigures {
  /** Share of the faults that were detected; NaN without faults. */
  readonly recall: number;
  /** Share of the alerts that were firing during a fault; NaN without alerts. */
  readonly eventPrecision: number;
  /** Number of alerts that weren't firing during a fault. */
  readonly falseAlarms: number;
  /** Time from a fault's start to the firing of its alert, seconds. */
  readonly delaySeconds: { readonly p50: number; readonly p90: number };
}

export function detectionFigures(
  found: readonly Detection[],
  alerts: readonly Alert[],
  intervalMs: number,
): DetectionFigures {
  const delays = found.flatMap(({ fault, alert }) =>
    alert === undefined ? [] : [(alert.firing * intervalMs - fault.startMs) / 1000],
  );
  const truePositives = alerts.filter((alert) =>
    found.some(({ fault }) => isOfScope(alert, fault) && alert.firing <= fault.last && alert.last >= fault.first),
  );
  return {
    recall: delays.length / found.length,
    eventPrecision: truePositives.length / alerts.length,
    falseAlarms: alerts.length - truePositives.length,
    delaySeconds: { p50: quantile(delays, 0.5), p90: quantile(delays, 0.9) },
  };
}

/** Fault-free time in which services were scored, summed over the services, in days. */
export function faultFreeServiceDays(
  steps: readonly number[],
  scores: ReadonlyMap<string, Float64Array>,
  faults: readonly FaultSpan[],
  intervalMs: number,
): number {
  const free = steps.flatMap((step, index) =>
    faults.some(({ first, last }) => step >= first && step <= last) ? [] : [index],
  );
  let scored = 0;
  for (const values of scores.values()) for (const index of free) if (Number.isFinite(values[index])) scored++;
  return (scored * intervalMs) / 86_400_000;
}
