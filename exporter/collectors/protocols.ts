import { leafOfKey, TargetAccounts } from '../accounting/accounts.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { protocolName } from '../identity/protocols.ts';
import type { Directory } from '../identity/directory.ts';
import { ALL } from '../kernel/needs.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, withoutState } from './socket-programs.ts';

/** `struct port_protocol_key` of bpf/shared/protocols.h: offsets in bytes. */
const PORT = 8;
const PROTOCOL = 10;

const CONNECTIONS = 'lorikeet_port_connections_total';

/** Deletes rows unchanged for this time, in milliseconds. */
const IDLE_MS = 3_600_000;

interface ProtocolAccount extends Account {
  readonly line: Series;
}

export interface ProtocolsOptions {
  readonly directory: Directory;
  /** The kernel map `port_protocols`. */
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Maximum number of ports of an instance with series of their own. */
  readonly maxPorts: number;
  /** Called for each port counted as `other` because of the limit. */
  readonly onCut: () => void;
}

/** Connections to the listening ports by application protocol, from the kernel map `port_protocols`. */
export function protocolsCollector({ directory, map, now, maxPorts, onCut }: ProtocolsOptions): Collector {
  const targets = new TargetAccounts(directory, (labels) => new TargetProtocols(labels, maxPorts, onCut));
  const ledger = new Ledger({
    map,
    leafOf: leafOfKey(directory),
    accountOf: (key, leaf) => targets.of(leaf)?.account(key.readUInt16LE(PORT), key.readUInt16LE(PROTOCOL)),
    idleMs: IDLE_MS,
    shared: 'port_protocols',
  });
  const book = (): void => void ledger.update(directory.generation, now());
  return {
    name: 'protocols',
    book,
    collect(out) {
      book();
      out.family(CONNECTIONS, 'counter', 'Connections to a port, by the application protocol of their first bytes.');
      const isSettled = (target: TargetProtocols) => target.all().every((account) => out.view.isSettled(account));
      for (const target of targets.current(isSettled))
        for (const account of target.all()) out.sample(account.line, out.view.counts(account)[0] ?? 0);
    },
  };
}

/** The ports of one target: those up to the limit by number, all later ones as `other`. */
class TargetProtocols {
  readonly #labels: string;
  readonly #maxPorts: number;
  readonly #onCut: () => void;
  readonly #ports = new Set<number>();
  readonly #cut = new Set<number>();
  readonly #accounts = new Map<string, ProtocolAccount>();

  constructor(labels: string, maxPorts: number, onCut: () => void) {
    this.#labels = labels;
    this.#maxPorts = maxPorts;
    this.#onCut = onCut;
  }

  all(): readonly ProtocolAccount[] {
    return [...this.#accounts.values()];
  }

  account(port: number, protocol: number): ProtocolAccount {
    const labels = `port="${this.#portLabel(port)}",protocol="${protocolName(protocol)}"`;
    let account = this.#accounts.get(labels);
    if (account === undefined) {
      account = { words: new Float64Array(1), line: series(CONNECTIONS, this.#labels, labels) };
      this.#accounts.set(labels, account);
    }
    return account;
  }

  #portLabel(port: number): string {
    if (this.#ports.has(port)) return String(port);
    if (this.#ports.size < this.#maxPorts) {
      this.#ports.add(port);
      return String(port);
    }
    if (!this.#cut.has(port)) this.#onCut();
    this.#cut.add(port);
    return 'other';
  }
}

export const protocols = describeCollector({
  name: 'protocols',
  shows: 'the application protocols of listening ports',
  programs: {
    ...withoutState('sockets of unknown role; the ports of connections that move few bytes'),
    [SEND]: ALL,
    [RECEIVE]: ALL,
  },
  maps: { port_protocols: ({ maxServices }) => 2 * maxServices },
  ofSockets: true,
  make: ({ directory, probes, now, limits, omissions }) =>
    protocolsCollector({
      directory,
      map: probes.map('port_protocols'),
      now,
      maxPorts: limits.maxPorts,
      onCut: () => omissions.portCut(),
    }),
});
