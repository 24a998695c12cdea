import { z } from 'zod';
import { ConfigError, durationSchema, readConfigFile } from '../../daemon/config-file.ts';
import { SHIPPED_ALERTS } from '../paths.ts';
import { SEVERE_SCORE } from '../scoring/severity.ts';
import type { Replay } from './replay.ts';

/** An alert fires if the score is above a limit in `above` of the last `of` cycles. */
export interface Debounce {
  readonly above: number;
  readonly of: number;
}

/** When Prometheus fires an alert, milliseconds. */
export interface AlertTiming {
  /** `for` of the alert. */
  readonly forMs: number;
  /** Interval of its rule group. */
  readonly evaluationMs: number;
}

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      interval: durationSchema.optional(),
      rules: z.array(z.object({ alert: z.string().optional(), for: durationSchema.optional() })),
    }),
  ),
});
/** Prometheus' default `evaluation_interval`. */
const DEFAULT_EVALUATION_MS = 60_000;

/**
 * Reads when ServiceAnomalous fires from a rule file. Default: the shipped one.
 *
 * @throws ConfigError
 */
export function readAlertTiming(path: string = SHIPPED_ALERTS): AlertTiming {
  const { groups } = readConfigFile(path, rulesSchema);
  for (const { interval: evaluationMs = DEFAULT_EVALUATION_MS, rules } of groups) {
    const rule = rules.find(({ alert }) => alert === 'ServiceAnomalous');
    if (rule !== undefined) return { forMs: rule.for ?? 0, evaluationMs };
  }
  throw new ConfigError(`${path}: expected an alert ServiceAnomalous`);
}

/** Time that the alert is pending: `for`, up to the next evaluation. */
function pendingMs({ forMs, evaluationMs }: AlertTiming): number {
  return Math.ceil(forMs / evaluationMs) * evaluationMs;
}

/**
 * The cycles in a row that fire the alert: those that an evaluation finds while it is pending. The first evaluation comes
 * up to one evaluation interval after the first score.
 */
export function debounceOf(timing: AlertTiming, intervalMs: number): Debounce {
  const cycles = Math.ceil((pendingMs(timing) + timing.evaluationMs) / intervalMs);
  return { above: cycles, of: cycles };
}

/** The longest time from the last of these cycles' time to the firing of the alert. @param delayMs of the cycles */
export function firingDelayMs(timing: AlertTiming, intervalMs: number, delayMs: number): number {
  const firstToLast = (debounceOf(timing, intervalMs).of - 1) * intervalMs;
  return delayMs + timing.evaluationMs + pendingMs(timing) - firstToLast;
}

/** The shipped rule at an interval of one minute: two cycles in a row. */
export const DEBOUNCE: Debounce = { above: 2, of: 2 };

/** The score above which the shipped alerts fire, by severity. */
export const ALERT_SCORES = { warning: 1, severe: SEVERE_SCORE } as const;

/** One firing of the alert for one service. */
export interface Alert {
  readonly key: string;
  /** First of the steps above the limit that made it fire. */
  readonly onset: number;
  /** Step at which the alert fires. */
  readonly firing: number;
  /** Last step at which the alert is firing. */
  readonly last: number;
}

/**
 * All alerts, ordered by the step at which they fire. A gap in the replayed steps ends them.
 *
 * @param limit the score to exceed
 */
export function alertsOf(
  { steps, scores }: Pick<Replay, 'steps' | 'scores'>,
  debounce: Debounce = DEBOUNCE,
  limit: number = ALERT_SCORES.warning,
): Alert[] {
  const alerts = [...scores].flatMap(([key, values]) =>
    contiguousRanges(steps).flatMap(([from, to]) =>
      alertsIn(key, steps.slice(from, to), values.subarray(from, to), debounce, limit),
    ),
  );
  return alerts.sort((a, b) => a.firing - b.firing || (a.key < b.key ? -1 : 1));
}

/** Ranges of consecutive steps, as pairs of indexes: start included, end excluded. */
function contiguousRanges(steps: readonly number[]): [number, number][] {
  const starts = [...steps.keys()].filter((index) => steps[index] !== (steps[index - 1] ?? NaN) + 1);
  return starts.map((start, index) => [start, starts[index + 1] ?? steps.length]);
}

function alertsIn(
  key: string,
  steps: readonly number[],
  values: Float64Array,
  { above, of }: Debounce,
  limit: number,
): Alert[] {
  const alerts: Alert[] = [];
  let firing: Alert | undefined;
  for (const [index, step] of steps.entries()) {
    const recent = steps.slice(Math.max(0, index - of + 1), index + 1);
    const exceeding = recent.filter((_, at) => (values[index - recent.length + 1 + at] ?? NaN) > limit);
    if (exceeding.length < above) firing = undefined;
    else if (firing !== undefined) alerts[alerts.length - 1] = firing = { ...firing, last: step };
    else alerts.push((firing = { key, onset: exceeding[0] ?? step, firing: step, last: step }));
  }
  return alerts;
}
