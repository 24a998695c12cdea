import type { Account } from '../accounting/ledger.ts';
import type { Exposition, Series } from '../scrape/exposition.ts';

/** A counter that is a word of a map's rows. */
export interface Counter {
  readonly name: string;
  readonly word: number;
  /** A word that is added. */
  readonly plus?: number;
  /** So much of the sum is one in the counter's unit. */
  readonly per?: number;
  readonly help: string;
  /** Its family in `countedBy`; undefined: always counted. */
  readonly only?: string;
}

/** Writes the counters that are counted; the series of each row are in the order of the counters. */
export function writeCounters<R extends { readonly counters: readonly Series[] }>(
  out: Exposition,
  all: readonly Counter[],
  rows: readonly R[],
  accountOf: (row: R) => Account,
  counted: Readonly<Record<string, boolean>>,
): void {
  for (const [index, { name, word, plus, per = 1, help, only }] of all.entries()) {
    if (only !== undefined && counted[only] !== true) continue;
    out.family(name, 'counter', help);
    for (const row of rows) {
      const words = out.view.counts(accountOf(row));
      const added = plus === undefined ? 0 : (words[plus] ?? 0);
      out.sample(row.counters[index] as Series, ((words[word] ?? 0) + added) / per);
    }
  }
}
