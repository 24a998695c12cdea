import { type Alert, alertsOf } from '../../scorer/backtest/alerts.ts';
import type { Replay } from '../../scorer/backtest/replay.ts';
import { FIRST_STEP } from './live.ts';
import { SEVERE_SCORE } from '../../scorer/scoring/severity.ts';
import { faultMinutes } from './load.ts';
import { keyOf } from './features.ts';
import type { Scenario } from './scenario.ts';

const DAY = 24 * 60;
/** After a fault its minutes stay in the longest window. */
const GRACE_MINUTES = 15;
const MINUTE_MS = 60_000;

export interface FaultSeen {
  readonly service: string;
  /** Minutes of life. */
  readonly at: number;
  /** Minutes until the alert of any service; undefined if there was none in time. */
  readonly delay: number | undefined;
  /** True if the culprit's own alert fired in time. */
  readonly own: boolean;
}

export interface Judgement {
  /** False alarms for each day of life. */
  readonly warnings: readonly number[];
  readonly severe: readonly number[];
  /** Time above 1 and above 3 outside faults, of any service, minutes. */
  readonly above: number;
  readonly aboveSevere: number;
  readonly largest: number;
  readonly faults: readonly FaultSeen[];
  /** True if it went as wanted. */
  readonly passed: boolean;
}

/** Judges a life. */
export function judge(scenario: Scenario, replay: Replay): Judgement {
  const { wanted, events } = scenario;
  const minutes = replay.steps.length;
  const faults = events
    .filter(({ fault }) => fault)
    .flatMap((event) => faultMinutes(event, minutes).map(([from, to]) => ({ event, from, to })));
  const inFault = (minute: number) => faults.some(({ from, to }) => minute >= from && minute < to + GRACE_MINUTES);
  const counts = (minute: number) => minute >= (wanted.after ?? 0) / MINUTE_MS && !inFault(minute);
  const alarms = ofLife(replay, 1);
  const isFalse = ({ onset }: Alert) => counts(onset);
  const warnings = perDay(minutes, alarms.filter(isFalse));
  const severe = perDay(minutes, ofLife(replay, SEVERE_SCORE).filter(isFalse));
  const largest = replay.steps.map((_, minute) =>
    counts(minute) ? Math.max(0, ...[...replay.scores.values()].map((scores) => scores[minute] || 0)) : 0,
  );
  const seen = faults.map(({ event, from, to }): FaultSeen => {
    const last = Math.min(to + GRACE_MINUTES, from + event.within / MINUTE_MS);
    // An alarm that was on before tells nobody anything.
    const during = alarms.filter(({ firing }) => firing >= from && firing <= last);
    const first = Math.min(...during.map(({ firing }) => firing));
    return {
      service: event.service,
      at: from,
      delay: Number.isFinite(first) ? first - from : undefined,
      own: during.some(({ key }) => key === keyOf(event.service)),
    };
  });
  const above = largest.filter((score) => score > 1).length;
  return {
    warnings,
    severe,
    above,
    aboveSevere: largest.filter((score) => score > SEVERE_SCORE).length,
    largest: Math.max(0, ...largest),
    faults: seen,
    passed:
      sum(warnings) <= wanted.warnings &&
      sum(severe) <= wanted.severe &&
      above <= (wanted.minutes ?? Infinity) &&
      seen.every(({ delay }) => delay !== undefined),
  };
}

/** The alerts at a threshold, with steps as minutes of life. */
function ofLife(replay: Replay, threshold: number): Alert[] {
  const scores = new Map([...replay.scores].map(([key, values]) => [key, values.map((value) => value / threshold)]));
  return alertsOf({ ...replay, scores }).map((alert) => ({
    ...alert,
    onset: alert.onset - FIRST_STEP,
    firing: alert.firing - FIRST_STEP,
    last: alert.last - FIRST_STEP,
  }));
}

/**
 * Alarms by day. What several services raise within the same minutes is one: callers and callees show the same thing, and
 * Alertmanager tells it once.
 */
function perDay(minutes: number, alarms: readonly Alert[]): number[] {
  const days = Array<number>(Math.ceil(minutes / DAY)).fill(0);
  let until = -Infinity;
  for (const { firing, last } of alarms) {
    if (firing > until + 1) days[Math.floor(firing / DAY)]! += 1;
    until = Math.max(until, last);
  }
  return days;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
