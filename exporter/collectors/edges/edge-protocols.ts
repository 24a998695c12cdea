import { leafOfKey } from '../../accounting/accounts.ts';
import { Ledger, type Account, type CounterMap, type LedgerOptions } from '../../accounting/ledger.ts';
import { protocolName } from '../../identity/protocols.ts';
import type { Directory } from '../../identity/directory.ts';
import { series, type Exposition, type Series } from '../../scrape/exposition.ts';

/** `struct edge_key` of bpf/shared/attribution.h: offset in bytes. */
const PROTOCOL = 26;

const CONNECTIONS = 'lorikeet_edge_connections_total';

/** The connections of an edge with one protocol. */
export interface EdgeProtocol extends Account {
  readonly line: Series;
}

/** The protocols of an edge, by label; part of its account. */
export class EdgeProtocols {
  readonly #labels: string;
  readonly #byName = new Map<string, EdgeProtocol>();

  /** `labels` are those of the edge, rendered. */
  constructor(labels: string) {
    this.#labels = labels;
  }

  all(): Iterable<EdgeProtocol> {
    return this.#byName.values();
  }

  of(key: Buffer): EdgeProtocol {
    const name = protocolName(key.readUInt16LE(PROTOCOL));
    let protocol = this.#byName.get(name);
    if (protocol === undefined) {
      const line = series(CONNECTIONS, this.#labels, `protocol="${name}"`);
      this.#byName.set(name, (protocol = { words: new Float64Array(1), line }));
    }
    return protocol;
  }
}

/** Connections of edges by protocol, from the kernel map `edge_protocols`. */
export function edgeProtocolsLedger(
  directory: Directory,
  map: CounterMap,
  options: Pick<LedgerOptions<EdgeProtocol>, 'accountOf' | 'idleMs'>,
): Ledger<EdgeProtocol> {
  return new Ledger({ map, leafOf: leafOfKey(directory), ...options });
}

export function writeEdgeProtocols(out: Exposition, edges: Iterable<{ readonly protocols: EdgeProtocols }>): void {
  out.family(CONNECTIONS, 'counter', "The client's connections, by the application protocol of their first bytes.");
  for (const { protocols } of edges) for (const { line, words } of protocols.all()) out.sample(line, words[0] ?? 0);
}
