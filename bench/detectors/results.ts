import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { writeResults } from '../results.ts';

/** The parts of the evaluation, in the order of the tables. */
export const PARTS = ['response-times', 'patterns', 'window-times', 'container-metrics', 'replicas', 'fleet'] as const;
export type Part = (typeof PARTS)[number];

/** A table of the evaluation. */
export interface Table {
  /** Tables of one part have different names. */
  readonly name: string;
  /** With the sentence that says what it is, ready for docs/detectors.md. */
  readonly markdown: string;
}

interface Row extends Table {
  readonly part: Part;
  /** RFC 3339. */
  readonly date: string;
  /** The machine's load average over 15 minutes: other programs make figures worse. */
  readonly load: number;
}

const NAME = 'detectors';
const FILE = `bench/results/${NAME}.json`;

/** Replaces a table in bench/results/detectors.json. */
export function keepResults(part: Part, table: Table): void {
  const others = earlierRows().filter((row) => row.part !== part || row.name !== table.name);
  const measured = { date: new Date().toISOString(), load: Math.round(10 * (loadavg()[2] ?? NaN)) / 10 };
  const rows = [...others, { part, ...measured, ...table }];
  writeResults(
    NAME,
    rows.sort((a, b) => PARTS.indexOf(a.part) - PARTS.indexOf(b.part)),
  );
}

function earlierRows(): readonly Row[] {
  if (!existsSync(FILE)) return [];
  return (JSON.parse(readFileSync(FILE, 'utf8')) as { readonly rows: readonly Row[] }).rows;
}

/** A Markdown table. */
export function renderRows(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** `12.3 %`, or a dash where nothing was counted. */
export function percent(share: number, digits = 1): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : '-';
}

/** Smallest and largest of several runs, or the one that all have. */
export function range(values: readonly number[], render: (value: number) => string): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => render(value));
  return least === most ? `${least}` : `${least} to ${most}`;
}
