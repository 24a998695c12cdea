import type { Figures } from '../figures.ts';
import type { Hits } from '../ranking.ts';

/** The columns of the evaluation table: title, and formatter of one detector's figures. */
export const COLUMNS: readonly (readonly [string, (figures: Figures) => string])[] = [
  ['recall', ({ recall }) => ratio(recall)],
  ['precision', ({ event_precision: precision }) => ratio(precision)],
  ['false alarms', ({ false_alarms_per_service_day: rate }) => ratio(rate)],
  ['delay p50/p90', ({ delay_seconds: { p50, p90 } }) => `${whole(p50)}/${whole(p90)} s`],
  ['VUS-PR', ({ vus_pr: vus }) => ratio(vus)],
  ['root cause @1/3/5', ({ root_cause: hits }) => shares(hits)],
  ['at alert @1/3/5', ({ root_cause_at_alert: hits }) => shares(hits)],
];

/** Formats with two decimals; a dash for NaN. */
export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '-';
}

function whole(value: number): string {
  return Number.isFinite(value) ? value.toFixed(0) : '-';
}

function shares({ at_1: first, at_3: third, at_5: fifth }: Hits): string {
  return [first, third, fifth].map(ratio).join('/');
}
