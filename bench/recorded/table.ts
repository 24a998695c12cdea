import { ratio } from '../../scorer/backtest/report/columns.ts';
import { markdown } from '../../scorer/backtest/report/markdown.ts';
import type { Estimate } from '../statistics.ts';
import type { MethodFigures, Places } from './figures.ts';

/** A row of the results: one method on one recording. */
export interface ResultRow extends MethodFigures {
  readonly recording: string;
  readonly method: string;
  readonly title: string;
  /** False if it only ranks. */
  readonly detects: boolean;
  readonly seeds: readonly number[];
}

const HEAD = [
  'recall',
  'at the culprit',
  'false alarms',
  'cause @1 at start',
  '@3/@5',
  '@1 late',
  '@3/@5',
  '@1 at alert',
  '@3/@5',
];

/** All recordings and methods in one table, then the types of fault. */
export function renderResults(rows: readonly ResultRow[]): string {
  const types = [
    ['recording', 'type', 'faults', 'method', 'recall', 'at the culprit', 'cause @1 at start', '@3/@5'],
    ...rows.flatMap(({ recording, title, by_type: byType, detects }) =>
      Object.entries(byType).map(([type, figures]) => [
        recording,
        type,
        `${figures.faults}`,
        title,
        ...(detects ? [estimate(figures.recall), estimate(figures.recall_at_culprit)] : ['-', '-']),
        ...places(figures.cause.start),
      ]),
    ),
  ];
  return `${markdown(figuresTable(rows))}\n${markdown(types)}`;
}

/** One row for each recording and method. */
export function figuresTable(rows: readonly ResultRow[]): string[][] {
  return [['recording', 'method', ...HEAD], ...rows.map((row) => [row.recording, row.title, ...cells(row)])];
}

function cells({ detects, false_alarms_per_service_day: rate, cause, ...row }: ResultRow): string[] {
  return [
    ...(detects ? [estimate(row.recall), estimate(row.recall_at_culprit), ratio(rate)] : ['-', '-', '-']),
    ...places(cause.start),
    ...places(cause.late),
    ...(detects ? places(cause.alert) : ['-', '-']),
  ];
}

function places({ at_1: first, at_3: third, at_5: fifth }: Places): [string, string] {
  return [estimate(first), `${ratio(third.mean)}/${ratio(fifth.mean)}`];
}

/** `0.96 (0.88-1.00)`. */
export function estimate({ mean, low, high }: Estimate): string {
  return Number.isFinite(mean) ? `${ratio(mean)} (${ratio(low)}-${ratio(high)})` : '-';
}
