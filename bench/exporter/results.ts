import { readFileSync } from 'node:fs';
import { writeResults } from '../results.ts';

/** A measured point of bench/results/exporter.json. */
export interface Row {
  readonly what: string;
  readonly median: number;
  readonly p99: number;
  readonly unit: string;
  /** The program that was measured in Lorikeet's place. */
  readonly peer?: string;
  /** The peer's median divided by Lorikeet's for the same `what`. */
  readonly ratio?: number;
}

const FILE = 'bench/results/exporter.json';

/** Writes `rows` to the results, in the place of those of earlier runs that measured the same. */
export function writeRows(rows: readonly Row[]): void {
  const measured = new Set(rows.map(({ what }) => what));
  const kept = earlierRows().filter(({ what }) => !measured.has(what));
  writeResults('exporter', [...kept, ...rows]);
}

function earlierRows(): readonly Row[] {
  try {
    return (JSON.parse(readFileSync(FILE, 'utf8')) as { readonly rows: readonly Row[] }).rows;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function printRow({ what, median, p99, unit, peer, ratio }: Row): void {
  const beside = peer === undefined ? '' : `  ${peer}${ratio === undefined ? '' : `, ${ratio} times Lorikeet's`}`;
  process.stdout.write(
    `${what.padEnd(48)} ${String(median).padStart(8)} ${String(p99).padStart(8)} ${unit}${beside}\n`,
  );
}

/** The value below which the share `rank` of `values` lies. */
export function quantile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * rank))] ?? 0);
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
