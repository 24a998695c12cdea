import type { Directory } from '../identity/directory.ts';
import { HISTOGRAM_WORDS } from '../scrape/histogram.ts';
import { leafOfKey, RoleAccounts, type Role } from './accounts.ts';
import { LATE_WORDS } from './late-requests.ts';
import { Ledger, type Account, type CounterMap } from './ledger.ts';

/** Words of `struct service_stats` of bpf/shared/services.h: those of its requests, then those of its connections. */
export const REQUEST_WORDS = HISTOGRAM_WORDS + LATE_WORDS + 1;

/** The counts of a target in one role. */
export interface ServiceAccount extends Account {
  /** The target's labels, rendered. */
  readonly labels: string;
  readonly role: Role;
}

/** The kernel map `services`: requests and connections of each target and role, for the collectors that show them. */
export class ServiceCounts {
  readonly accounts: RoleAccounts<ServiceAccount>;
  readonly ledger: Ledger<ServiceAccount>;
  readonly #directory: Directory;
  readonly #now: () => number;
  /** The collectors that have the last reading. */
  readonly #readers = new Set<string>();

  /** `now` returns milliseconds. */
  constructor(directory: Directory, map: CounterMap, now: () => number) {
    this.#directory = directory;
    this.#now = now;
    const words = map.valueSize / Float64Array.BYTES_PER_ELEMENT;
    const make = (labels: string, role: Role) => ({ words: new Float64Array(words), labels, role });
    this.accounts = new RoleAccounts<ServiceAccount>(directory, make);
    this.ledger = new Ledger({ map, leafOf: leafOfKey(directory), accountOf: this.accounts.accountOf });
  }

  /** Reads the map for a collector. A reading serves each collector once, so that a scrape reads the map once. */
  read(collector: string): void {
    if (this.#readers.size === 0 || this.#readers.has(collector)) {
      this.#readers.clear();
      this.ledger.update(this.#directory.generation, this.#now());
    }
    this.#readers.add(collector);
  }
}

/** What a collector shows of each account, made when it is first shown. */
export class LinesOf<Lines> {
  readonly #lines = new WeakMap<ServiceAccount, Lines>();
  readonly #make: (account: ServiceAccount) => Lines;

  constructor(make: (account: ServiceAccount) => Lines) {
    this.#make = make;
  }

  /** Those of some accounts, in their order. */
  all(accounts: readonly ServiceAccount[]): readonly Lines[] {
    return accounts.map((account) => this.of(account));
  }

  of(account: ServiceAccount): Lines {
    let lines = this.#lines.get(account);
    if (lines === undefined) this.#lines.set(account, (lines = this.#make(account)));
    return lines;
  }
}
