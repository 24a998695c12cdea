import { isLoopback } from '../../identity/peers/addresses.ts';
import type { Directory } from '../../identity/directory.ts';
import {
  ExternalPeers,
  OTHER_LOOPBACK,
  OTHER_PEERS,
  type ExternalPeer,
  type PortRange,
} from '../../identity/peers/external-peers.ts';
import type { LocalTarget } from '../../identity/local-targets.ts';
import type { LoopbackListeners } from '../../identity/peers/loopback.ts';
import type { Peer } from '../../identity/target.ts';

/** `struct edge_key` of bpf/shared/attribution.h: offsets in bytes. */
const ADDRESS_START = 8;
const ADDRESS_END = 24;
const PORT = 24;
const NETNS = 28;

/** The server's end of an edge. */
export interface Server {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly external: ExternalPeer | undefined;
  /** Beyond a limit. */
  readonly cut: boolean;
}

export interface EdgeServersOptions {
  readonly directory: Directory;
  /** The listeners behind loopback addresses. */
  readonly loopback: LoopbackListeners;
  /** Maximum number of external peers with a name of their own. */
  readonly maxExternalNames: number;
  /** Ports that are never names. */
  readonly ephemeral?: PortRange;
}

/** Finds the servers of edges: by their address, by the listener behind a loopback address, or as external peers. */
export class EdgeServers {
  readonly #options: EdgeServersOptions;
  readonly #external: ExternalPeers;

  constructor(options: EdgeServersOptions) {
    this.#options = options;
    this.#external = new ExternalPeers(options.maxExternalNames, options.ephemeral);
  }

  /** Frees the names of external peers that are not in `used`. */
  retain(used: ReadonlySet<ExternalPeer>): void {
    this.#external.retain(used);
  }

  /** `key` is a `struct edge_key`. Undefined while the server's name is pending. */
  serverOf(client: LocalTarget, key: Buffer): Server | undefined {
    const bytes = key.toString('latin1', ADDRESS_START, ADDRESS_END);
    const port = key.readUInt16LE(PORT);
    const peer =
      this.#options.directory.peer(bytes, port) ??
      (isLoopback(bytes) ? this.#listenerOf(client, key.readUInt32LE(NETNS), port) : undefined);
    if (peer?.pending === true) return undefined;
    if (peer !== undefined) {
      return { namespace: peer.namespace, service: peer.service, port: String(port), external: undefined, cut: false };
    }
    const external = this.#external.name(bytes, port);
    const cut = external === OTHER_PEERS || external === OTHER_LOOPBACK;
    return { namespace: 'external', ...external, external, cut };
  }

  /** The service that listens on a port of the loopback: the client's own, or the only one. */
  #listenerOf(client: LocalTarget, netns: number, port: number): Peer | undefined {
    const { directory, loopback } = this.#options;
    const targets = loopback.find(netns, port).flatMap((id) => directory.targetOf(directory.leaf(id)) ?? []);
    const [first, ...others] = targets;
    if (first === undefined || targets.includes(client)) return first && client;
    return others.every((target) => serviceKey(target) === serviceKey(first)) ? first : undefined;
  }
}

/** Instances of a service share its edges. */
export function serviceKey({ namespace, service }: LocalTarget): string {
  return `${namespace}\0${service}`;
}
