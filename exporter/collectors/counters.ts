import type { Account } from '../accounting/ledger.ts';
import type { Exposition, Series } from '../scrape/exposition.ts';

/** A counter that is a word of a map's rows. */
export interface Counter {
  readonly name: string;
  readonly word: number;
  /** A word that is added. */
  readonly plus?: number;
  readonly help: string;
  /** Its family in `countedBy`; undefined: always counted. */
  readonly only?: string;
}

/** Writes the counters that are counted. `seriesOf` returns an account's series, in the order of the counters. */
export function writeCounters<A extends Account>(
  out: Exposition,
  all: readonly Counter[],
  accounts: readonly A[],
  seriesOf: (account: A) => readonly Series[],
  counted: Readonly<Record<string, boolean>>,
): void {
  for (const [index, { name, word, plus, help, only }] of all.entries()) {
    if (only !== undefined && counted[only] !== true) continue;
    out.family(name, 'counter', help);
    for (const account of accounts) {
      const words = out.view.counts(account);
      const added = plus === undefined ? 0 : (words[plus] ?? 0);
      out.sample(seriesOf(account)[index] as Series, (words[word] ?? 0) + added);
    }
  }
}
