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
import { ephemeralPorts, OTHER_PEERS, type ExternalPeer } from '../identity/external-peers.ts';
import type { Leaf } from '../identity/leaf.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { describeCollector } from './descriptor.ts';
import { EdgeServers, serviceKey, type EdgeServersOptions, type Server } from './edge-servers.ts';
import { RECEIVE, SEND, STATE, withoutState } from './socket-programs.ts';

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

export interface EdgesOptions extends EdgeServersOptions {
  /** The kernel map `edges`. */
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Families of the descriptor's `countedBy`; families that are not counted are not exported. */
  readonly counted: Readonly<Record<string, boolean>>;
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
      write(out, accounts.current(), options.counted);
    },
  };
}

/** One account for each edge, kept while the client's service has or had a target on this machine. */
class EdgeAccounts {
  readonly #options: EdgesOptions;
  readonly #servers: EdgeServers;
  readonly #accounts = new Map<string, EdgeAccount>();

  constructor(options: EdgesOptions) {
    this.#options = options;
    this.#servers = new EdgeServers(options);
  }

  /** Those of services with an instance. */
  current(): readonly EdgeAccount[] {
    const clients = clientsOf(this.#options.directory.targets);
    return [...this.#accounts.values()].filter(({ client }) => clients.has(client));
  }

  accountOf(key: Buffer, leaf: Leaf, previous: EdgeAccount | undefined): EdgeAccount | undefined {
    const client = this.#options.directory.targetOf(leaf);
    if (client === undefined || !client.monitored) return undefined;
    const account = this.#accountBetween(client, this.#servers.serverOf(client, key));
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

  /** Drops edges of services that cannot have an instance on this machine, and frees names that only they used. */
  dropVanished(): void {
    const clients = clientsOf(this.#options.directory.knownTargets);
    const used = new Set<ExternalPeer>();
    for (const [name, account] of this.#accounts) {
      if (!clients.has(account.client)) this.#accounts.delete(name);
      else if (account.external !== undefined) used.add(account.external);
    }
    this.#servers.retain(used);
  }
}

function clientsOf(targets: Iterable<LocalTarget>): ReadonlySet<string> {
  const clients = new Set<string>();
  for (const target of targets) if (target.monitored) clients.add(serviceKey(target));
  return clients;
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

function write(out: Exposition, edges: readonly EdgeAccount[], counted: Readonly<Record<string, boolean>>): void {
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
