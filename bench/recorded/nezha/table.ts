import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The numbers of a CSV file by the time of their row. */
export interface Table {
  /** Names of the numeric columns. */
  readonly columns: readonly string[];
  /** Milliseconds since the epoch, ascending. Of rows with the same time, only the first is used. */
  readonly timesMs: readonly number[];
  /** [row][column]; NaN if empty or not a number. */
  readonly values: readonly (readonly number[])[];
}

/** A file with invalid content. The message names it. */
export class TableError extends Error {
  readonly code = 'TABLE';
  override readonly name = 'TableError';
}

/** Columns with names, or that repeat the time. */
const NO_NUMBERS = /^(time|timestamp|podname|servicename)$/i;
/** The leading date and time. A fraction, the time zone (always UTC) and Go's monotonic clock follow. */
const TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,3})?)/;

export function readText(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/**
 * Reads a CSV file with a `Time` column.
 *
 * @throws TableError
 */
export function readTable(path: string): Table {
  const [head = [], ...rows] = readText(path)
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split(','));
  const time = head.findIndex((name) => /^time$/i.test(name.trim()));
  if (time < 0) throw new TableError(`${path}: expected a column Time, got ${head.join(', ')}`);
  const kept = head.flatMap((name, index) => (NO_NUMBERS.test(name.trim()) ? [] : [index]));
  const byTime = new Map<number, readonly number[]>();
  for (const row of rows) {
    const timeMs = parseTime(row[time] ?? '');
    if (Number.isNaN(timeMs)) throw new TableError(`${path}: expected a time, got "${row[time] ?? ''}"`);
    if (!byTime.has(timeMs))
      byTime.set(
        timeMs,
        kept.map((index) => parseNumber(row[index])),
      );
  }
  const timesMs = [...byTime.keys()].sort((a, b) => a - b);
  return {
    columns: kept.map((index) => (head[index] ?? '').trim()),
    timesMs,
    values: timesMs.map((timeMs) => byTime.get(timeMs) ?? []),
  };
}

/** Milliseconds since the epoch of a UTC time, with or without time zone; NaN if invalid. */
export function parseTime(text: string): number {
  const [, date, clock] = TIME.exec(text.trim()) ?? [];
  return date === undefined ? NaN : Date.parse(`${date}T${clock ?? ''}Z`);
}

function parseNumber(text: string | undefined): number {
  return text === undefined || text.trim() === '' ? NaN : Number(text);
}
