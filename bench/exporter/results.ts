import { readFileSync } from 'node:fs';
import { median } from '../../scorer/numeric/statistics.ts';
import { writeResults } from '../results.ts';
import { round, summarize } from '../statistics.ts';

/** A measured point of bench/results/exporter.json. */
export interface Row {
  readonly what: string;
  readonly median: number;
  readonly p99: number;
  readonly unit: string;
  /** The program measured for comparison; undefined: Lorikeet. */
  readonly peer?: string;
  /** The peer's median divided by Lorikeet's for the same `what`. */
  readonly ratio?: number;
}

/** All measurements of one quantity by program: undefined is Lorikeet, the others are its peers. */
export type Points = ReadonlyMap<string | undefined, readonly number[]>;

const FILE = 'bench/results/exporter.json';

/** A row for Lorikeet, then one for each peer. */
export function rowsOf(what: string, unit: string, points: Points): readonly Row[] {
  const own = points.get(undefined);
  return [...points].map(([peer, values]) => {
    const row = { what, ...summarize(values), unit };
    if (peer === undefined) return row;
    const ratio = own === undefined ? NaN : round(median(values) / median(own), 3);
    return { ...row, peer, ...(Number.isFinite(ratio) && { ratio }) };
  });
}

/** `rows` after those `earlier` ones that were not measured again. */
export function mergeRows(earlier: readonly Row[], rows: readonly Row[]): readonly Row[] {
  const measured = new Set(rows.map(({ what }) => what));
  return [...earlier.filter(({ what }) => !measured.has(what)), ...rows];
}

/** Writes the results. After a run of some parts, keeps the rows of the other parts in the file. */
export function writeRows(rows: readonly Row[], { partial }: { readonly partial: boolean }): void {
  writeResults('exporter', partial ? mergeRows(earlierRows(), rows) : rows);
}

function earlierRows(): readonly Row[] {
  try {
    return (JSON.parse(readFileSync(FILE, 'utf8')) as { readonly rows: readonly Row[] }).rows;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function printRow({ what, median: middle, p99, unit, peer, ratio }: Row): void {
  const comparison = peer === undefined ? '' : `  ${peer}${ratio === undefined ? '' : `, ${ratio} times Lorikeet's`}`;
  process.stdout.write(
    `${what.padEnd(64)} ${String(middle).padStart(8)} ${String(p99).padStart(8)} ${unit}${comparison}\n`,
  );
}
