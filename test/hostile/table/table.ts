import { ATTACKS, type Attack, type AttackName } from './attacks.ts';
import { ADDED_MEGABYTES, type Figures, largest, LONGEST_BLOCK_MS } from './keeps.ts';

/** The outcome of a test that keeps a row. */
export interface Kept {
  readonly attack: AttackName;
  /** The name of the test. */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly figures: Figures;
}

export interface Row {
  readonly attack: string;
  readonly before: string;
  readonly now: string;
  /** Memory, in megabytes, and blocks of the event loop, in milliseconds, if they were measured. */
  readonly addedMegabytes: number | undefined;
  readonly longestBlockMs: number | undefined;
  readonly tests: number;
  /** What is wrong; empty if the row holds. */
  readonly faults: readonly string[];
}

/** The rows of these attacks, in their order. */
export function rowsOf(attacks: readonly AttackName[], kept: readonly Kept[]): Row[] {
  return attacks.map((name) =>
    rowOf(
      ATTACKS[name],
      kept.filter(({ attack }) => attack === name),
    ),
  );
}

function rowOf({ attack, before, now }: Attack, kept: readonly Kept[]): Row {
  const figures = largest(kept.map((test) => test.figures));
  const missing: string[] = [];
  const text = now.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const figure = figures[name];
    if (figure !== undefined) return number(figure);
    missing.push(`no ${name.replaceAll('_', ' ')}`);
    return '…';
  });
  const notPassed = kept.filter(({ state }) => state !== 'passed').map(({ state, name }) => `${state}: ${name}`);
  return {
    attack,
    before,
    now: text,
    addedMegabytes: figures[ADDED_MEGABYTES],
    longestBlockMs: figures[LONGEST_BLOCK_MS],
    tests: kept.length,
    faults: kept.length === 0 ? ['no test'] : [...notPassed, ...missing],
  };
}

const HEADER = ['attack or fault', 'seen before', 'seen now', 'memory added', 'longest block', 'result'];

/** The rows as a Markdown table, its columns aligned. */
export function markdownTable(rows: readonly Row[]): string {
  const cells = [HEADER, ...rows.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(HEADER), line(widths.map((width) => '-'.repeat(width))), ...cells.slice(1).map(line)].join('\n');
}

/** The last line: `0 open of 28`. */
export function summary(rows: readonly Row[]): string {
  return `${rows.filter(({ faults }) => faults.length > 0).length} open of ${rows.length}`;
}

function cellsOf({ attack, before, now, addedMegabytes, longestBlockMs, tests, faults }: Row): readonly string[] {
  return [
    attack,
    before,
    now,
    addedMegabytes === undefined ? '' : `${number(addedMegabytes)} MB`,
    longestBlockMs === undefined ? '' : `${number(longestBlockMs)} ms`,
    faults.length > 0 ? `**open**: ${faults.join('; ')}` : `holds, ${tests} ${tests === 1 ? 'test' : 'tests'}`,
  ];
}

/** Two significant digits below 100, whole numbers above. */
function number(value: number): string {
  return value < 100 ? String(Number(value.toPrecision(2))) : Math.round(value).toLocaleString('en');
}
