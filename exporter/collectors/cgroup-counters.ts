import { leafOfKey, TargetAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';

/** A family whose series are words of a kernel map's value. */
export interface CounterFamily {
  readonly name: string;
  readonly help: string;
  /** The label of each series, in the order of the words; one empty label if there is only one series. */
  readonly labels: readonly string[];
}

/** A family of one series. */
export const single = (name: string, help: string): CounterFamily => ({ name, help, labels: [''] });

/** Number of words in the value of a map. */
export function countWords(families: readonly CounterFamily[]): number {
  return families.reduce((sum, { labels }) => sum + labels.length, 0);
}

interface CounterAccount extends Account {
  /** In the order of the words. */
  readonly lines: readonly Series[];
}

export interface CgroupCountersOptions {
  readonly name: string;
  /** In the order of the words of the map's value. */
  readonly families: readonly CounterFamily[];
  /** The directory of the hierarchy to which the map's ids belong. */
  readonly directory: Directory;
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Counters of a kernel map keyed by cgroup. */
export function cgroupCountersCollector({ name, families, directory, map, now }: CgroupCountersOptions): Collector {
  const accounts = new TargetAccounts<CounterAccount>(directory, (target) => ({
    words: new Float64Array(countWords(families)),
    lines: families.flatMap((family) => family.labels.map((label) => series(family.name, target, label))),
  }));
  const ledger = new Ledger({
    map,
    leafOf: leafOfKey(directory),
    accountOf: (_key, leaf): CounterAccount | undefined => accounts.of(leaf),
  });
  return {
    name,
    collect(out) {
      ledger.update(directory.generation, now());
      const current = accounts.current();
      let first = 0;
      for (const family of families) {
        const end = first + family.labels.length;
        out.family(family.name, 'counter', family.help);
        for (const { lines, words } of current) {
          for (let word = first; word < end; word++) out.sample(lines[word] as Series, words[word] ?? 0);
        }
        first = end;
      }
    },
  };
}
