import { quantile } from '../numeric/statistics.ts';
import type { Alert } from './alerts.ts';
import type { Fault } from './labels.ts';

/** A fault in steps of time. */
export interface FaultSpan extends Fault {
  /** First step that may show it: the first at or after its start. */
  readonly first: number;
  /** Last step at which an alert may still be due to it: its end and what the longest window and the debounce add. */
  readonly last: number;
}

export interface Detection {
  readonly fault: FaultSpan;
  /** The first alert, of any service, that began and fired within the fault's time; undefined when there was none. */
  readonly alert: Alert | undefined;
}

export function faultSpans(faults: readonly Fault[], intervalMs: number, graceMs: number): FaultSpan[] {
  return faults.map((fault) => ({
    ...fault,
    first: Math.ceil(fault.startMs / intervalMs),
    last: Math.floor((fault.endMs + graceMs) / intervalMs),
  }));
}

/**
 * Which alert told of which fault. One that was on when the fault began tells nothing of it, however long it stays on,
 * and a fault's time ends at the latest where the next one's begins.
 */
export function detections(faults: readonly FaultSpan[], alerts: readonly Alert[]): Detection[] {
  return faults.map((fault, index) => {
    const until = Math.min(fault.last, (faults[index + 1]?.first ?? Infinity) - 1);
    return { fault, alert: alerts.find((alert) => alert.onset >= fault.first && alert.firing <= until) };
  });
}

export interface DetectionFigures {
  /** Share of the faults that an alert told of; NaN without faults. */
  readonly recall: number;
  /** Share of the alerts that were on at the time of a fault; NaN without alerts. */
  readonly eventPrecision: number;
  readonly falseAlarms: number;
  /** From a fault's start to the firing of its alert, seconds. */
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
  const rightful = alerts.filter((alert) =>
    found.some(({ fault }) => alert.firing <= fault.last && alert.last >= fault.first),
  );
  return {
    recall: delays.length / found.length,
    eventPrecision: rightful.length / alerts.length,
    falseAlarms: alerts.length - rightful.length,
    delaySeconds: { p50: quantile(delays, 0.5), p90: quantile(delays, 0.9) },
  };
}

/** Days of fault-free time that services were scored, summed over the services. */
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
