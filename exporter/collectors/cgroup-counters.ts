import { leafOfKey, TargetAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';

/** A family whose series are words of a kernel map's value. */
interface Family {
  readonly name: string;
  readonly help: string;
  /** What sets each of its series apart, in the order of the words; one empty label where there is but one. */
  readonly labels: readonly string[];
}

const single = (name: string, help: string): Family => ({ name, help, labels: [''] });

/** The kernel maps of bpf/container.h by the name that they share with their collectors; families in the order of the words. */
const FAMILIES = {
  page_faults: [
    single('lorikeet_container_page_faults_total', 'Page faults taken by processes outside of system calls.'),
  ],
  block_requests: [single('lorikeet_container_block_requests_total', 'Requests issued to block devices.')],
  process_events: [
    {
      name: 'lorikeet_container_process_events_total',
      help: 'Processes born, executing a program, ended, and killed for want of memory.',
      labels: ['fork', 'exec', 'exit', 'oom_kill'].map((event) => `event="${event}"`),
    },
  ],
  syscalls: [
    single('lorikeet_container_syscalls_total', 'System calls begun.'),
    single('lorikeet_container_mmap_calls_total', 'Calls to map memory, failed ones too.'),
    single('lorikeet_container_file_opens_total', 'Calls to open a file, failed ones too.'),
  ],
} as const satisfies Readonly<Record<string, readonly Family[]>>;

export type CgroupCounterName = keyof typeof FAMILIES;

/** How many words the value of a map has. */
export function countWords(name: CgroupCounterName): number {
  return FAMILIES[name].reduce((sum, { labels }) => sum + labels.length, 0);
}

interface CounterAccount extends Account {
  /** In the order of the words. */
  readonly lines: readonly Series[];
}

export interface CgroupCountersOptions {
  /** Of the hierarchy that the map's ids are of. */
  readonly directory: Directory;
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Counters of a kernel map that is keyed by cgroup. */
export function cgroupCountersCollector(
  name: CgroupCounterName,
  { directory, map, now }: CgroupCountersOptions,
): Collector {
  const families: readonly Family[] = FAMILIES[name];
  const accounts = new TargetAccounts<CounterAccount>(directory, (target) => ({
    words: new Float64Array(countWords(name)),
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
