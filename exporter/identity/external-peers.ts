import { addressText } from './addresses.ts';

/** Identity of a peer that is not a target. */
export interface ExternalPeer {
  readonly service: string;
  readonly port: string;
}

/** All external peers beyond the limit. */
export const OTHER_PEERS: ExternalPeer = { service: 'other', port: 'other' };

/**
 * Names the first `limit` external peers (pairs of address and port) by their address. All later ones are `other`, so a
 * crawler or a port scan cannot create an unlimited number of series.
 */
export class ExternalPeers {
  readonly #limit: number;
  readonly #named = new Map<string, ExternalPeer>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `bytes` are the 16 bytes of the address as a latin1 string. */
  name(bytes: string, port: number): ExternalPeer {
    const key = `${bytes}:${port}`;
    let peer = this.#named.get(key);
    if (peer === undefined) {
      if (this.#named.size >= this.#limit) return OTHER_PEERS;
      peer = { service: addressText(bytes), port: String(port) };
      this.#named.set(key, peer);
    }
    return peer;
  }

  /** Frees the names that are not in `used`. */
  retain(used: ReadonlySet<ExternalPeer>): void {
    for (const [key, peer] of this.#named) if (!used.has(peer)) this.#named.delete(key);
  }
}
