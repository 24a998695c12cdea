import { renderLabels } from './exposition.ts';
import type { Directory, Leaf, LocalTarget } from './identity/directory.ts';
import { readId } from './identity/directory.ts';
import type { Account } from './ledger.ts';

/** `enum role` of bpf/attribution.h. */
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

/** One account for each monitored target and role, there from the first moment on, gone with the target. */
export class RoleAccounts<A extends Account> {
  readonly #directory: Directory;
  readonly #make: (labels: string, role: Role) => A;
  readonly #accounts = new Map<LocalTarget, Readonly<Record<Role, A>>>();

  /** `make` gets the target's labels, rendered. */
  constructor(directory: Directory, make: (labels: string, role: Role) => A) {
    this.#directory = directory;
    this.#make = make;
  }

  /** The account of a row keyed by `struct service_key`. */
  readonly accountOf = (key: Buffer, leaf: Leaf): A | undefined => {
    const target = this.#directory.targetOf(leaf);
    if (target === undefined || !target.monitored) return undefined;
    const role = key.readUInt32LE(ROLE_OFFSET);
    const accounts = this.#of(target);
    if (role === ROLES.client) return accounts.client;
    return role === ROLES.server ? accounts.server : undefined;
  };

  /** All accounts of the targets that exist now, by target; those of others are dropped. */
  current(): readonly A[] {
    for (const target of this.#accounts.keys()) {
      if (!this.#directory.has(target)) this.#accounts.delete(target);
    }
    const current: A[] = [];
    for (const target of this.#directory.targets) {
      if (!target.monitored) continue;
      const { client, server } = this.#of(target);
      current.push(client, server);
    }
    return current;
  }

  #of(target: LocalTarget): Readonly<Record<Role, A>> {
    let accounts = this.#accounts.get(target);
    if (accounts === undefined) {
      const labels = targetLabels(target);
      accounts = { client: this.#make(labels, 'client'), server: this.#make(labels, 'server') };
      this.#accounts.set(target, accounts);
    }
    return accounts;
  }
}
