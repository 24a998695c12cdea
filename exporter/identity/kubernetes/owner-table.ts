import { addressKey, type PeerAddress } from '../peers/addresses.ts';
import type { Identity } from './objects/service-identity.ts';

/** Owners of addresses. Of several owners the newest wins; if two are equally new, the address has none. */
export class OwnerTable {
  readonly #owners = new Map<string, Identity>();

  add({ key }: PeerAddress, owner: Identity): void {
    const known = this.#owners.get(key);
    if (known === undefined || known.createdAt < owner.createdAt) this.#owners.set(key, owner);
    else if (known.createdAt === owner.createdAt && known.key !== owner.key) {
      this.#owners.set(key, nobodySince(owner.createdAt));
    }
  }

  /** The owner of the port, or of the whole address. `bytes` are its 16 bytes as a latin1 string. */
  find(bytes: string, port: number): Identity | undefined {
    const owner = this.#owners.get(addressKey(bytes, port)) ?? this.#owners.get(bytes);
    return owner?.key === NOBODY ? undefined : owner;
  }
}

const NOBODY = '';

function nobodySince(createdAt: number): Identity {
  return { namespace: '', service: '', key: NOBODY, createdAt };
}
