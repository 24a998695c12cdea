import { addressKey } from './addresses.ts';
import type { Target } from '../target.ts';

/**
 * Finds the target behind a peer's address: first an entry with the port, then one for the whole address. An address
 * claimed by several services is attributed to none.
 */
export class AddressTable {
  readonly #entries = new Map<string, Target | undefined>();

  constructor(targets: Iterable<Target>) {
    for (const target of targets) {
      for (const { key } of target.addresses) this.#add(key, target);
    }
  }

  #add(key: string, target: Target): void {
    const holder = this.#entries.get(key);
    const disputed =
      this.#entries.has(key) && (holder?.namespace !== target.namespace || holder.service !== target.service);
    this.#entries.set(key, disputed ? undefined : target);
  }

  /** `bytes` are the 16 bytes of the address as a latin1 string. */
  find(bytes: string, port: number): Target | undefined {
    return this.#entries.get(addressKey(bytes, port)) ?? this.#entries.get(bytes);
  }
}
