import { leafOfKey, TargetAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import type { Listener } from '../kernel/listeners.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { withoutState } from './socket-programs.ts';

/** `struct listener_key` of bpf/shared/tcp.h: offset in bytes. */
const PORT = 8;

/** Words of `struct listener_stats`. */
const DROPS = 0;
export const LISTENER_WORDS = 1;

const QUEUE_LENGTH = 'lorikeet_tcp_accept_queue_length';
const QUEUE_LIMIT = 'lorikeet_tcp_accept_queue_limit';
const QUEUE_DROPS = 'lorikeet_tcp_accept_queue_drops_total';

/**
 * Deletes rows unchanged for this time, in milliseconds. The next read makes the row again if the port still listens.
 */
const IDLE_MS = 3_600_000;

/** One port, or all ports beyond the limit. */
interface PortAccount extends Account {
  readonly length: Series;
  readonly limit: Series;
  readonly drops: Series;
  /** Sums over the port's listening sockets (there may be one for each worker); undefined without any. */
  waiting: { length: number; limit: number } | undefined;
}

export interface AcceptQueuesOptions {
  readonly directory: Directory;
  /** The kernel map `listeners`. */
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** The current listening sockets, whose drops have been added to the map. @throws if they cannot be read */
  readonly listening: () => readonly Listener[];
  /** Maximum number of ports of an instance with series of their own. */
  readonly maxPorts: number;
  /** Called for each port counted as `other` because of the limit. */
  readonly onCut: () => void;
}

/** Accept queues by listening port: drops from the kernel map `listeners`, the rest from the sockets themselves. */
export function acceptQueuesCollector(options: AcceptQueuesOptions): Collector {
  const { directory, map, now, listening } = options;
  const targets = new TargetAccounts(directory, (labels) => new TargetPorts(labels, options));
  const ledger = new Ledger({
    map,
    leafOf: leafOfKey(directory),
    accountOf: (key, leaf): PortAccount | undefined => targets.of(leaf)?.port(key.readUInt16LE(PORT)),
    idleMs: IDLE_MS,
  });
  const book = (): void => void ledger.update(directory.generation, now());
  return {
    name: 'accept_queues',
    book,
    collect(out) {
      const listeners = listening();
      book();
      const { view } = out;
      const current = () => targets.current((target) => target.all().every((port) => view.isSettled(port)));
      for (const target of current()) for (const port of target.all()) port.waiting = undefined;
      for (const { cgroup, port, length, limit } of listeners) {
        const account = targets.of(directory.leaf(cgroup))?.port(port);
        if (account === undefined) continue;
        account.waiting ??= { length: 0, limit: 0 };
        account.waiting.length += length;
        account.waiting.limit += limit;
      }
      write(
        out,
        current().flatMap((target) => target.all()),
      );
    },
  };
}

/** The ports of one target: those up to the limit by number, all later ones as `other`. */
class TargetPorts {
  readonly #labels: string;
  readonly #options: AcceptQueuesOptions;
  readonly #ports = new Map<number, PortAccount>();
  readonly #cut = new Set<number>();
  #other: PortAccount | undefined;

  constructor(labels: string, options: AcceptQueuesOptions) {
    this.#labels = labels;
    this.#options = options;
  }

  all(): readonly PortAccount[] {
    return [...this.#ports.values(), ...(this.#other === undefined ? [] : [this.#other])];
  }

  port(port: number): PortAccount {
    const known = this.#ports.get(port);
    if (known !== undefined) return known;
    if (this.#ports.size >= this.#options.maxPorts) return this.#beyondLimit(port);
    const account = makeAccount(this.#labels, String(port));
    this.#ports.set(port, account);
    return account;
  }

  #beyondLimit(port: number): PortAccount {
    if (!this.#cut.has(port)) this.#options.onCut();
    this.#cut.add(port);
    return (this.#other ??= makeAccount(this.#labels, 'other'));
  }
}

function makeAccount(labels: string, port: string): PortAccount {
  const portLabel = `port="${port}"`;
  return {
    words: new Float64Array(LISTENER_WORDS),
    length: series(QUEUE_LENGTH, labels, portLabel),
    limit: series(QUEUE_LIMIT, labels, portLabel),
    drops: series(QUEUE_DROPS, labels, portLabel),
    waiting: undefined,
  };
}

function write(out: Exposition, ports: readonly PortAccount[]): void {
  out.family(QUEUE_LENGTH, 'gauge', 'Connections waiting to be accepted.');
  for (const { length, waiting } of ports) if (waiting !== undefined) out.sample(length, waiting.length);
  out.family(QUEUE_LIMIT, 'gauge', 'Limit on connections waiting to be accepted; more are dropped.');
  for (const { limit, waiting } of ports) if (waiting !== undefined) out.sample(limit, waiting.limit);
  out.family(QUEUE_DROPS, 'counter', 'Connections dropped because the accept queue was full.');
  for (const port of ports) out.sample(port.drops, out.view.counts(port)[DROPS] ?? 0);
}

export const acceptQueues = describeCollector({
  name: 'accept_queues',
  shows: 'the accept queues of listening ports',
  programs: {
    ...withoutState(ALL),
    read_accept_queues: ALL,
    adopt_sockets: 'ports that were already listening when the exporter started',
  },
  maps: { listeners: ({ maxServices }) => 2 * maxServices, accept_queues: ({ maxServices }) => 4 * maxServices },
  ofSockets: true,
  make: ({ directory, listening, probes, now, limits, omissions }) =>
    acceptQueuesCollector({
      directory,
      map: probes.map('listeners'),
      now,
      listening,
      maxPorts: limits.maxPorts,
      onCut: () => omissions.portCut(),
    }),
});
