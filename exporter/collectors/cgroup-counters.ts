import { leafOfKey, TargetAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { describeCollector, type CollectorDescriptor, type CounterFamily } from './descriptor.ts';

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

interface CgroupCounters<Name extends string> extends Pick<
  CollectorDescriptor<Name>,
  'name' | 'shows' | 'offBecause' | 'hierarchy' | 'programs'
> {
  /** In the order of the words of the map's value. */
  readonly families: readonly CounterFamily[];
}

/** Describes a collector of the counters that its programs keep by cgroup, in the kernel map of its name. */
export function describeCgroupCounters<const Name extends string>(
  counters: CgroupCounters<Name>,
): CollectorDescriptor<Name> {
  const { name, families } = counters;
  return describeCollector({
    ...counters,
    maps: { [name]: ({ maxServices }) => maxServices },
    lostMap: name,
    make: ({ directory, probes, now }) =>
      cgroupCountersCollector({ name, families, directory, map: probes.map(name), now }),
  });
}

export interface CgroupCountersOptions {
  readonly name: string;
  readonly families: readonly CounterFamily[];
  readonly directory: Directory;
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
}

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
  const book = (): void => void ledger.update(directory.generation, now());
  return {
    name,
    book,
    collect(out) {
      book();
      const { view } = out;
      const current = accounts.current((account) => view.isSettled(account));
      let first = 0;
      for (const family of families) {
        const end = first + family.labels.length;
        out.family(family.name, 'counter', family.help);
        for (const account of current) {
          const words = view.counts(account);
          for (let word = first; word < end; word++) out.sample(account.lines[word] as Series, words[word] ?? 0);
        }
        first = end;
      }
    },
  };
}
