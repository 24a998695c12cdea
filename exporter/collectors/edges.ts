import { renderLabels } from '../../daemon/labels.ts';
import { leafOfKey } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type Series } from '../scrape/exposition.ts';
import {
  HISTOGRAM_WORDS,
  histogramCount,
  histogramSeries,
  writeHistogram,
  type HistogramSeries,
} from '../scrape/histogram.ts';
import { isLoopback } from '../identity/addresses.ts';
import type { Directory } from '../identity/directory.ts';
import {
  ephemeralPorts,
  ExternalPeers,
  OTHER_LOOPBACK,
  OTHER_PEERS,
  type ExternalPeer,
  type PortRange,
} from '../identity/external-peers.ts';
import type { Leaf } from '../identity/leaf.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import type { LoopbackListeners } from '../identity/loopback.ts';
import type { Peer } from '../identity/target.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, STATE, withoutState } from './socket-programs.ts';

/** `struct edge_key` of bpf/shared/attribution.h: offsets in bytes. */
const ADDRESS_START = 8;
const ADDRESS_END = 24;
const PORT = 24;
const NETNS = 28;

/** `struct edge_stats` of bpf/shared/requests.h: words after the histogram of requests. */
const SENT = HISTOGRAM_WORDS;
const RECEIVED = SENT + 1;
const CONNECT_FAILURES = RECEIVED + 1;
const UNANSWERED = CONNECT_FAILURES + 1;
export const EDGE_WORDS = UNANSWERED + 1;

const REQUESTS = 'lorikeet_edge_requests_total';
const DURATION = 'lorikeet_edge_request_duration_seconds';

const COUNTERS = [
  { name: 'lorikeet_edge_sent_bytes_total', word: SENT, help: 'Bytes that the client sent.', only: 'sentBytes' },
  {
    name: 'lorikeet_edge_received_bytes_total',
    word: RECEIVED,
    help: 'Bytes that the client received.',
    only: 'receivedBytes',
  },
  {
    name: 'lorikeet_edge_connect_failures_total',
    word: CONNECT_FAILURES,
    help: "The client's failed connection attempts.",
    only: 'connectFailures',
  },
  {
    name: 'lorikeet_edge_unanswered_requests_total',
    word: UNANSWERED,
    help: 'Requests that the client abandoned, or whose connection broke before the response.',
    only: 'unansweredRequests',
  },
] as const;

/** Deletes rows unchanged for this time, in milliseconds: a client may live for months while its servers change. */
const IDLE_MS = 3_600_000;

interface EdgeAccount extends Account {
  readonly client: string;
  readonly external: ExternalPeer | undefined;
  /** Set for the account of peers beyond a limit. */
  readonly cut: boolean;
  readonly requests: Series;
  readonly duration: HistogramSeries;
  readonly counters: readonly Series[];
}

interface Server {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly external: ExternalPeer | undefined;
  /** Beyond a limit. */
  readonly cut: boolean;
}

export interface EdgesOptions {
  readonly directory: Directory;
  /** The listeners behind loopback addresses. */
  readonly loopback: LoopbackListeners;
  /** The kernel map `edges`. */
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Families of the descriptor's `countedBy`; families that are not counted are not exported. */
  readonly counted: Readonly<Record<string, boolean>>;
  /** Maximum number of external peers with a name of their own. */
  readonly maxExternalNames: number;
  /** Ports that are never names. */
  readonly ephemeral?: PortRange;
  /** Maximum number of edges with series of their own; further ones between two services have the port `other`. */
  readonly maxEdges: number;
  /** Called for each peer counted as `other` because of a limit. */
  readonly onCut: () => void;
}

/** Calls between services as seen by the client, from the kernel map `edges`. */
export function edgesCollector(options: EdgesOptions): Collector {
  const { directory, loopback, map, now } = options;
  const accounts = new EdgeAccounts(options);
  const ledger = new Ledger({
    map,
    leafOf: leafOfKey(directory),
    accountOf: (key, leaf, previous: EdgeAccount | undefined) => accounts.accountOf(key, leaf, previous),
    idleMs: IDLE_MS,
    shared: 'edges',
  });
  let generation = -1;
  const book = (): void => {
    if (generation !== directory.generation) accounts.dropVanished();
    generation = directory.generation;
    // Neither ever decreases.
    ledger.update(generation + loopback.version, now());
  };
  return {
    name: 'edges',
    book,
    collect(out) {
      book();
      write(out, accounts.all(), options.counted);
    },
  };
}

/** One account for each edge, kept while the client's service has an instance on this machine. */
class EdgeAccounts {
  readonly #options: EdgesOptions;
  readonly #external: ExternalPeers;
  readonly #accounts = new Map<string, EdgeAccount>();

  constructor(options: EdgesOptions) {
    this.#options = options;
    this.#external = new ExternalPeers(options.maxExternalNames, options.ephemeral);
  }

  all(): Iterable<EdgeAccount> {
    return this.#accounts.values();
  }

  accountOf(key: Buffer, leaf: Leaf, previous: EdgeAccount | undefined): EdgeAccount | undefined {
    const client = this.#options.directory.targetOf(leaf);
    if (client === undefined || !client.monitored) return undefined;
    const account = this.#accountBetween(client, this.#serverOf(client, key));
    if (account.cut && previous?.cut !== true) this.#options.onCut();
    return account;
  }

  #accountBetween(client: LocalTarget, server: Server): EdgeAccount {
    const name = [serviceKey(client), server.namespace, server.service, server.port].join('\0');
    let account = this.#accounts.get(name);
    if (account !== undefined) return account;
    if (this.#accounts.size >= this.#options.maxEdges && !server.cut) {
      const others = { ...server, ...(server.external && OTHER_PEERS), port: OTHER_PEERS.port, cut: true };
      return this.#accountBetween(client, others);
    }
    account = makeAccount(client, server);
    this.#accounts.set(name, account);
    return account;
  }

  #serverOf(client: LocalTarget, key: Buffer): Server {
    const bytes = key.toString('latin1', ADDRESS_START, ADDRESS_END);
    const port = key.readUInt16LE(PORT);
    const peer =
      this.#options.directory.peer(bytes, port) ??
      (isLoopback(bytes) ? this.#listenerOf(client, key.readUInt32LE(NETNS), port) : undefined);
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

  /** Drops edges of services without an instance on this machine, and frees external names that only they used. */
  dropVanished(): void {
    const clients = new Set<string>();
    for (const target of this.#options.directory.targets) if (target.monitored) clients.add(serviceKey(target));
    const used = new Set<ExternalPeer>();
    for (const [name, account] of this.#accounts) {
      if (!clients.has(account.client)) this.#accounts.delete(name);
      else if (account.external !== undefined) used.add(account.external);
    }
    this.#external.retain(used);
  }
}

function serviceKey({ namespace, service }: LocalTarget): string {
  return `${namespace}\0${service}`;
}

function makeAccount(client: LocalTarget, server: Server): EdgeAccount {
  const labels = renderLabels({
    client_namespace: client.namespace,
    client_service: client.service,
    server_namespace: server.namespace,
    server_service: server.service,
    server_port: server.port,
  });
  return {
    words: new Float64Array(EDGE_WORDS),
    client: serviceKey(client),
    external: server.external,
    cut: server.cut,
    requests: series(REQUESTS, labels),
    duration: histogramSeries(DURATION, labels),
    counters: COUNTERS.map(({ name }) => series(name, labels)),
  };
}

function write(out: Exposition, accounts: Iterable<EdgeAccount>, counted: Readonly<Record<string, boolean>>): void {
  const edges = [...accounts];
  if (counted['requests'] === true) {
    out.family(REQUESTS, 'counter', 'Requests from one service to another, as seen by the client.');
    for (const { requests, words } of edges) out.sample(requests, histogramCount(words, 0));
    out.family(DURATION, 'histogram', 'Time from a request to the first byte of the response, as seen by the client.');
    for (const { duration, words } of edges) writeHistogram(out, duration, words, 0);
  }
  for (const [index, { name, word, help, only }] of COUNTERS.entries()) {
    if (counted[only] !== true) continue;
    out.family(name, 'counter', help);
    for (const { counters, words } of edges) out.sample(counters[index] as Series, words[word] ?? 0);
  }
}

export const edges = describeCollector({
  name: 'edges',
  shows: 'calls between services',
  programs: {
    ...withoutState('failed connects, unanswered requests, clients with an explicitly bound port'),
    [SEND]: 'requests, unanswered requests, sent bytes',
    [RECEIVE]: 'requests, unanswered requests, received bytes',
    read_accept_queues: 'services behind loopback addresses',
  },
  countedBy: {
    requests: [SEND, RECEIVE],
    sentBytes: [SEND],
    receivedBytes: [RECEIVE],
    connectFailures: STATE,
    unansweredRequests: [...STATE, SEND, RECEIVE],
  },
  maps: { edges: ({ maxEdges }) => maxEdges },
  tunable: 'track_edges',
  ofSockets: true,
  make: ({ directory, loopback, probes, now, limits, omissions }) =>
    edgesCollector({
      directory,
      loopback,
      map: probes.map('edges'),
      now,
      counted: probes.counted('edges'),
      maxExternalNames: limits.maxExternalNames,
      ephemeral: ephemeralPorts(),
      maxEdges: limits.maxEdges,
      onCut: () => omissions.externalPeerCut(),
    }),
});
