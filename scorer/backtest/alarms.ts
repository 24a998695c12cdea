import { serviceName } from '../identity/service-key.ts';
import { type Alert, ALERT_SCORES, alertsOf, type Debounce } from './alerts.ts';
import { faultFreeServiceDays, type FaultSpan } from './detection.ts';
import type { Replay } from './replay.ts';

/** How noisy a detector was outside of faults and maintenance. */
export interface Alarms {
  readonly warning_per_service_day: number;
  readonly severe_per_service_day: number;
  readonly service_days: number;
  /** Of services with an alarm, most alarms first. */
  readonly services: readonly ServiceAlarms[];
  /** Signals that led when an alarm fired, most alarms first. */
  readonly signals: readonly (AlarmCounts & { readonly feature: string })[];
}

export interface AlarmCounts {
  readonly warning: number;
  readonly severe: number;
  /** Time in which the alert for `warning` fired. */
  readonly minutes: number;
}

/** Signals named for each service. */
const MAX_SIGNALS = 3;
const UNKNOWN = 'unknown';

/** The alarms of a service, beside the labels of its name. */
export interface ServiceAlarms extends AlarmCounts {
  readonly namespace: string;
  readonly service: string;
  /** Signals that led most often. */
  readonly signals: readonly string[];
  readonly [label: string]: unknown;
}

export interface AlarmOptions {
  readonly faults: readonly FaultSpan[];
  readonly intervalMs: number;
  /** When the alert fires. Default: that of the shipped rules at an interval of a minute. */
  readonly debounce?: Debounce;
  /** Steps at which a service's alerts are silenced, as by maintenance. */
  readonly silenced?: (key: string) => readonly number[];
}

/** Counts the alarms of a replay as the shipped rules would have fired them, without those during faults. */
export function alarmsOf(replay: Replay, { faults, intervalMs, debounce, silenced = () => [] }: AlarmOptions): Alarms {
  const audible = { ...replay, scores: withoutSilenced(replay, silenced) };
  const isFalse = (alert: Alert) => !faults.some(({ first, last }) => alert.firing <= last && alert.last >= first);
  const warnings = alertsOf(audible, debounce, ALERT_SCORES.warning).filter(isFalse);
  const severe = alertsOf(audible, debounce, ALERT_SCORES.severe).filter(isFalse);
  const days = faultFreeServiceDays(audible.steps, audible.scores, faults, intervalMs);
  const leader = ({ key, firing }: Alert) => replay.signals?.get(key)?.get(firing) ?? UNKNOWN;
  const services = [...count(warnings, severe, ({ key }) => key, intervalMs)].map(([key, counts]) => ({
    ...serviceName(key),
    ...counts,
    signals: commonest(warnings.filter((alert) => alert.key === key).map(leader)),
  }));
  const signals = [...count(warnings, severe, leader, intervalMs)].map(([feature, counts]) => ({ feature, ...counts }));
  return {
    warning_per_service_day: warnings.length / days,
    severe_per_service_day: severe.length / days,
    service_days: days,
    services: services.sort(noisier),
    signals: signals.sort(noisier),
  };
}

/** The scores, NaN where alerts are silenced. */
function withoutSilenced(
  { steps, scores }: Replay,
  silenced: (key: string) => readonly number[],
): ReadonlyMap<string, Float64Array> {
  return new Map(
    [...scores].map(([key, values]) => {
      const quiet = new Set(silenced(key));
      return [key, quiet.size === 0 ? values : values.map((value, at) => (quiet.has(steps[at] ?? NaN) ? NaN : value))];
    }),
  );
}

function count(
  warnings: readonly Alert[],
  severe: readonly Alert[],
  nameOf: (alert: Alert) => string,
  intervalMs: number,
): Map<string, AlarmCounts> {
  const counts = new Map<string, AlarmCounts>();
  const add = (alert: Alert, severity: 'warning' | 'severe', steps: number) => {
    const { minutes, ...before } = counts.get(nameOf(alert)) ?? { warning: 0, severe: 0, minutes: 0 };
    const longer = minutes + (steps * intervalMs) / 60_000;
    counts.set(nameOf(alert), { ...before, [severity]: before[severity] + 1, minutes: longer });
  };
  for (const alert of warnings) add(alert, 'warning', alert.last - alert.firing + 1);
  for (const alert of severe) add(alert, 'severe', 0);
  return counts;
}

/** The most frequent names, the most frequent first. */
function commonest(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.slice(0, MAX_SIGNALS).map(([name]) => name);
}

function noisier(a: AlarmCounts, b: AlarmCounts): number {
  return b.severe - a.severe || b.warning - a.warning || b.minutes - a.minutes;
}
