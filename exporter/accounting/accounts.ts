import { renderLabels } from '../../daemon/labels.ts';
import type { Directory } from '../identity/directory.ts';
import type { Leaf } from '../identity/leaf.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import { readId } from '../cgroups/id.ts';
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

/** One account for each monitored target, from its first scrape until the target is gone. */
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

  /** Accounts of the current targets. Drops all others. */
  current(): readonly A[] {
    for (const target of this.#accounts.keys()) {
      if (!this.#directory.has(target)) this.#accounts.delete(target);
    }
    const current: A[] = [];
    for (const target of this.#directory.targets) if (target.monitored) current.push(this.#ofTarget(target));
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

  /** All accounts of the current targets, by target. */
  current(): readonly A[] {
    return this.byTarget().flatMap(({ client, server }) => [client, server]);
  }

  byTarget(): readonly Readonly<Record<Role, A>>[] {
    return this.#targets.current();
  }
}
