import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readFaults } from '../../scorer/backtest/labels.ts';
import { CHANNELS, type Feature } from '../../scorer/features/features.ts';
import { History } from '../../scorer/fleet/history.ts';
import { fetchFleet } from '../../scorer/fleet/past.ts';
import { columnCount, columnIndex } from '../../scorer/features/columns.ts';
import { recordingPaths } from './recording.ts';
import type { RecordedHistory } from './evaluate.ts';

/**
 * Recorded features of a faulty service, one row per step: the time without faults for learning, and that of its fault.
 */
export interface FaultSeries {
  readonly service: string;
  readonly type: string;
  readonly learned: readonly Row[];
  /** First and last step of the fault. */
  readonly broken: readonly Row[];
}

/** The step, then a value for each column; null if missing. */
export type Row = readonly [step: number, values: readonly (number | null)[]];

export interface FaultSeriesFile {
  readonly intervalMs: number;
  /** `red/request_rate`, ... */
  readonly columns: readonly string[];
  readonly faults: readonly FaultSeries[];
}

/** More significant digits than a feature needs. */
const DIGITS = 4;

/** The series of the first fault of each type in a recording. */
export async function readFaultSeries(folder: string, history: RecordedHistory): Promise<FaultSeriesFile> {
  const { config, set, client, learning, window } = history;
  const fleet = await fetchFleet({ config, set, client }, window);
  const all = readFaults(recordingPaths(folder).labels);
  const faults = all.filter(({ type }, index) => all.findIndex((other) => other.type === type) === index);
  const stepOf = (timeMs: number) => Math.ceil(timeMs / config.interval);
  return {
    intervalMs: config.interval,
    columns: columnNames(set.features),
    faults: faults.flatMap(({ key, type, startMs, endMs }) => {
      const of = fleet.services.get(key);
      if (of === undefined) return [];
      const rows = (fromMs: number, toMs: number) => rowsOf(of, stepOf(fromMs), stepOf(toMs) - 1);
      const learned = rows(learning.fromMs, learning.toMs);
      return [{ service: key, type, learned, broken: rows(startMs, endMs) }];
    }),
  };
}

export function writeFaultSeries(path: string, file: FaultSeriesFile): void {
  writeFileSync(path, gzipSync(JSON.stringify(file), { level: 9 }));
}

export function loadFaultSeries(path: string): FaultSeriesFile {
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as FaultSeriesFile;
}

/** The series as fetched by the scorer, without columns that are not in `features`. */
export function historyOf({ learned, broken }: FaultSeries, columns: readonly string[], features: readonly Feature[]) {
  const rows = [...learned, ...broken];
  const first = rows[0]?.[0] ?? 0;
  const names = columnNames(features);
  const history = new History(columnCount(features), (rows.at(-1)?.[0] ?? 0) - first + 1);
  for (const [step, values] of rows) {
    for (const [column, name] of names.entries()) history.put(step, column, values[columns.indexOf(name)] ?? NaN);
  }
  return history;
}

function columnNames(features: readonly Feature[]): string[] {
  const names: string[] = [];
  for (const [channel, name] of CHANNELS.entries()) {
    for (const [index, feature] of features.entries()) {
      names[columnIndex(features, channel, index)] = `${name}/${feature.name}`;
    }
  }
  return names;
}

function rowsOf(history: History, from: number, to: number): Row[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const values = Array.from({ length: history.width }, (__, column) => {
      const value = history.get(from + index, column);
      return Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;
    });
    return [from + index, values];
  });
}
