import type { PlainMap } from './leaves.ts';
import type { PeerAddress } from './peers/addresses.ts';

/** A port of a server, with the number of its protocol. */
export interface DeclaredPort {
  /** The address as 16 bytes of latin1. */
  readonly bytes: string;
  readonly port: number;
  readonly protocol: number;
}

/** A source of targets. */
export interface Declaring {
  /** A new array after each change, otherwise the same one. */
  readonly targets: readonly { readonly declared?: readonly DeclaredPort[] }[];
}

/** The ports of a server by its addresses; an address with a port of its own has only that one. */
export function declaredPorts(
  addresses: readonly PeerAddress[],
  protocols: ReadonlyMap<number, number>,
): readonly DeclaredPort[] {
  return addresses.flatMap(({ bytes, port: only }) =>
    [...protocols]
      .filter(([port]) => only === undefined || only === port)
      .map(([port, protocol]) => ({ bytes, port, protocol })),
  );
}

const PORT = 16;
const KEY_BYTES = 24;

/** Writes the protocols that users declare into the kernel map `declared_protocols`. */
export class DeclaredProtocols {
  readonly #map: PlainMap;
  #seen: readonly unknown[] = [];
  #written = new Map<string, number>();

  constructor(map: PlainMap) {
    this.#map = map;
  }

  /** A port that does not fit into the map, or has two protocols, is recognised like others. */
  update(sources: readonly Declaring[]): void {
    const seen = sources.map(({ targets }) => targets);
    if (seen.length === this.#seen.length && seen.every((targets, index) => targets === this.#seen[index])) return;
    this.#seen = seen;
    const wanted = new Map<string, number>();
    const disputed = new Set<string>();
    for (const { bytes, port, protocol } of seen.flat().flatMap(({ declared = [] }) => declared)) {
      const key = keyOf(bytes, port);
      if ((wanted.get(key) ?? protocol) !== protocol) disputed.add(key);
      wanted.set(key, protocol);
    }
    for (const key of disputed) wanted.delete(key);
    for (const key of this.#written.keys()) if (!wanted.has(key)) this.#map.delete(Buffer.from(key, 'latin1'));
    this.#written = new Map([...wanted].filter(([key, protocol]) => this.#write(key, protocol)));
  }

  #write(key: string, protocol: number): boolean {
    if (this.#written.get(key) === protocol) return true;
    const value = Buffer.alloc(4);
    value.writeUInt32LE(protocol);
    return this.#map.update(Buffer.from(key, 'latin1'), value);
  }
}

/** `struct declared_port` of bpf/shared/protocols.h. */
function keyOf(bytes: string, port: number): string {
  const key = Buffer.alloc(KEY_BYTES);
  key.write(bytes, 'latin1');
  key.writeUInt16LE(port, PORT);
  return key.toString('latin1');
}
