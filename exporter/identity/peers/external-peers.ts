import { readFileSync } from 'node:fs';
import { addressText, isLoopback } from './addresses.ts';

/** Identity of a peer that is not a target. */
export interface ExternalPeer {
  readonly service: string;
  readonly port: string;
}

/** A port without a name. */
const OTHER = 'other';
/** All external peers beyond the limit. */
export const OTHER_PEERS: ExternalPeer = { service: OTHER, port: OTHER };

/** Peers on the loopback that no target listens for. */
const LOOPBACK = 'localhost';
export const OTHER_LOOPBACK: ExternalPeer = { service: LOOPBACK, port: OTHER };

/** Ports that the kernel assigns to sockets, both inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The kernel's default. */
export const EPHEMERAL_PORTS: PortRange = { first: 32768, last: 60999 };

/** The range of this machine; the default if it cannot be read. */
export function ephemeralPorts(file = '/proc/sys/net/ipv4/ip_local_port_range'): PortRange {
  let text = '';
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return EPHEMERAL_PORTS;
  }
  const [first = NaN, last = NaN] = text.trim().split(/\s+/).map(Number);
  return first <= last ? { first, last } : EPHEMERAL_PORTS;
}

/**
 * Names the first `limit` external peers (pairs of address and port) by their address. All later ones are `other`, so a
 * crawler or a port scan cannot create an unlimited number of series. An ephemeral port is never a name: it is `other`.
 * All addresses of the loopback are one peer, whose ports have names of their own, up to the same limit.
 */
export class ExternalPeers {
  readonly #limit: number;
  readonly #ephemeral: PortRange;
  readonly #named = new Map<string, ExternalPeer>();
  readonly #loopback = new Map<string, ExternalPeer>();

  constructor(limit: number, ephemeral = EPHEMERAL_PORTS) {
    this.#limit = limit;
    this.#ephemeral = ephemeral;
  }

  /** `bytes` are the 16 bytes of the address as a latin1 string. */
  name(bytes: string, port: number): ExternalPeer {
    const isNamed = port < this.#ephemeral.first || port > this.#ephemeral.last;
    const portName = isNamed ? String(port) : OTHER;
    if (!isLoopback(bytes)) return this.#find(this.#named, () => addressText(bytes), bytes, portName) ?? OTHER_PEERS;
    if (!isNamed) return OTHER_LOOPBACK;
    return this.#find(this.#loopback, () => LOOPBACK, LOOPBACK, portName) ?? OTHER_LOOPBACK;
  }

  #find(
    named: Map<string, ExternalPeer>,
    service: () => string,
    address: string,
    port: string,
  ): ExternalPeer | undefined {
    const key = `${address}:${port}`;
    let peer = named.get(key);
    if (peer === undefined) {
      if (named.size >= this.#limit) return undefined;
      peer = { service: service(), port };
      named.set(key, peer);
    }
    return peer;
  }

  /** Frees the names that are not in `used`. */
  retain(used: ReadonlySet<ExternalPeer>): void {
    for (const named of [this.#named, this.#loopback])
      for (const [key, peer] of named) if (!used.has(peer)) named.delete(key);
  }
}
