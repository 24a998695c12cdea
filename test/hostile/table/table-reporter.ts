import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';
import { replaceBlock } from '../../document-block.ts';
import { ATTACKS, type AttackName } from './attacks.ts';
import { type Kept, markdownTable, rowsOf, summary } from './table.ts';

const DOCUMENT = 'docs/reliability.md';

export interface TableOptions {
  /** Every row is expected, not only those of the tests that ran. */
  readonly isWhole: boolean;
  /** Writes the table into the document as well, unless a row is open. */
  readonly isUpdate: boolean;
}

/** Prints at the end of a run what was seen of each attack, and fails it if a row is open. */
export class TableReporter implements Reporter {
  readonly #options: TableOptions;
  #vitest: Vitest | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, end: TestRunEndReason): void {
    if (this.#vitest === undefined || end === 'interrupted') return;
    const { logger, config } = this.#vitest;
    const { isWhole, isUpdate } = this.#options;
    const isAsked = ({ state }: Kept) => state !== 'skipped' || config.testNamePattern === undefined;
    const kept = modules.flatMap(keptBy).filter(isAsked);
    const all = Object.keys(ATTACKS) as AttackName[];
    const rows = rowsOf(isWhole ? all : all.filter((name) => kept.some(({ attack }) => attack === name)), kept);
    const table = markdownTable(rows);
    logger.log(`${table}\n\n${summary(rows)}\n`);
    if (rows.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
    else if (isUpdate) replaceBlock(DOCUMENT, 'attacks', table);
  }
}

/** The tests of a file that keep a row. */
function keptBy(module: TestModule): Kept[] {
  return [...module.children.allTests()].flatMap((test) => {
    const { attack, figures = {} } = test.meta();
    if (attack === undefined) return [];
    const { state } = test.result();
    // Pending: a hook of its suite failed.
    return [{ attack, name: test.fullName, state: state === 'pending' ? 'failed' : state, figures }];
  });
}
