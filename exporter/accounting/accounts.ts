import { renderLabels } from '../../daemon/labels.ts';
import type { Directory } from '../identity/directory.ts';
import type { Leaf } from '../identity/leaf.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import { readId } from '../cgroups/id.ts';
import type { ScrapeView } from '../scrape/first-scrapes.ts';
import type { Account } from './ledger.ts';

/** `enum role` of bpf/shared/attribution.h. */
export const ROLES = { client: 1, server: 2 } as const;
export type Role = keyof typeof ROLES;

const ROLE_OFFSET = 8;

/** The labels that name a target, rendered. */
export function targetLabels({ namespace, service, pod }: LocalTarget): string {
  return renderLabels({ namespace, service, pod });
}

/** The cgroup of a key that begins with its id, as `struct service_key` and `struct edge_key` do. */
export function leafOfKey(directory: Directory): (key: Buffer) => Leaf {
  return (key) => directory.leaf(readId(key, 0));
}

/**
 * One account for each monitored target, from its first scrape until the target is gone, its cgroup cannot be made again
 * and its counts are shown.
 */
export class TargetAccounts<A> {
  readonly #directory: Directory;
  readonly #make: (labels: string) => A;
  readonly #accounts = new Map<LocalTarget, A>();

  /** `make` gets the target's labels, rendered. */
  constructor(directory: Directory, make: (labels: string) => A) {
    this.#directory = directory;
    this.#make = make;
  }

  /** Undefined for a cgroup that belongs to no monitored target. */
  of(leaf: Leaf): A | undefined {
    const target = this.#directory.targetOf(leaf);
    return target === undefined || !target.monitored ? undefined : this.#ofTarget(target);
  }

  /**
   * Accounts of the current targets, and of former and vanished ones whose counts a scraper still waits for: `isSettled`
   * is false. Drops those of other vanished ones.
   */
  current(isSettled: (account: A) => boolean): readonly A[] {
    const current: A[] = [];
    for (const target of this.#directory.targets) if (target.monitored) current.push(this.#ofTarget(target));
    for (const [target, account] of this.#accounts) {
      const instance = this.#directory.instance(target.key);
      if (instance === target) continue;
      // A new target of the same name has the same series.
      if (instance !== undefined) this.#accounts.delete(target);
      else if (!isSettled(account)) current.push(account);
      else if (!this.#directory.has(target)) this.#accounts.delete(target);
    }
    return current;
  }

  #ofTarget(target: LocalTarget): A {
    let account = this.#accounts.get(target);
    if (account === undefined) {
      account = this.#make(targetLabels(target));
      this.#accounts.set(target, account);
    }
    return account;
  }
}

/** One account for each monitored target and role. */
export class RoleAccounts<A extends Account> {
  readonly #targets: TargetAccounts<Readonly<Record<Role, A>>>;

  /** `make` gets the target's labels, rendered. */
  constructor(directory: Directory, make: (labels: string, role: Role) => A) {
    this.#targets = new TargetAccounts(directory, (labels) => ({
      client: make(labels, 'client'),
      server: make(labels, 'server'),
    }));
  }

  /** The account of a row keyed by `struct service_key`. */
  readonly accountOf = (key: Buffer, leaf: Leaf): A | undefined => {
    const role = key.readUInt32LE(ROLE_OFFSET);
    const accounts = this.#targets.of(leaf);
    if (role === ROLES.client) return accounts?.client;
    return role === ROLES.server ? accounts?.server : undefined;
  };

  /** All accounts that `view` shows, by target. */
  current(view: ScrapeView): readonly A[] {
    return this.byTarget(view).flatMap(({ client, server }) => [client, server]);
  }

  byTarget(view: ScrapeView): readonly Readonly<Record<Role, A>>[] {
    return this.#targets.current(({ client, server }) => view.isSettled(client) && view.isSettled(server));
  }
}
