import { leafOfKey } from '../../accounting/accounts.ts';
import type { Collector } from '../../scrape/collector.ts';
import { series, type Exposition, type HistogramSeries, type Series } from '../../scrape/exposition.ts';
import { PLAIN_VIEW, type ScrapeView } from '../../scrape/first-scrapes.ts';
import { histogramSeries } from '../../scrape/histogram.ts';
import { ephemeralPorts, OTHER_PEERS, type ExternalPeer } from '../../identity/peers/external-peers.ts';
import type { Leaf } from '../../identity/leaf.ts';
import type { LocalTarget } from '../../identity/local-targets.ts';
import { EDGE_COUNTERS, EDGE_WORDS, LATE } from '../../accounting/edge-counters.ts';
import { requestCount } from '../../accounting/late-requests.ts';
import { Ledger, type Account, type CounterMap } from '../../accounting/ledger.ts';
import { writeCounters } from '../counters.ts';
import { describeCollector } from '../descriptor.ts';
import { edgeLabels, type EdgeEnds, type EdgeLimits } from './edge-ends.ts';
import { EdgeProtocols, edgeProtocolsLedger, writeEdgeProtocols } from './edge-protocols.ts';
import { EdgeServers, serviceKey, type Server } from './edge-servers.ts';
import { RECEIVE, SEND, STATE, withoutState } from '../socket-programs.ts';

const REQUESTS = 'lorikeet_edge_requests_total';
const DURATION = 'lorikeet_edge_request_duration_seconds';

/** Deletes rows unchanged for this time, in milliseconds: a client may live for months while its servers change. */
export const IDLE_MS = 3_600_000;

interface EdgeAccount extends Account, EdgeEnds {
  readonly requests: Series;
  readonly duration: HistogramSeries;
  readonly counters: readonly Series[];
  readonly protocols: EdgeProtocols;
}

export interface EdgesOptions extends EdgeLimits {
  /** The kernel map `edges`. */
  readonly map: CounterMap;
  /** The kernel map `edge_protocols`. */
  readonly protocols: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Families of the descriptor's `countedBy`; families that are not counted are not exported. */
  readonly counted: Readonly<Record<string, boolean>>;
}

/** Calls between services as seen by the client, from the kernel map `edges`. */
export function edgesCollector(options: EdgesOptions): Collector {
  const { directory, map, now } = options;
  const accounts = new EdgeAccounts(options, makeAccount);
  const ledger = new Ledger({
    map,
    leafOf: leafOfKey(directory),
    accountOf: (key, leaf, previous: EdgeAccount | undefined) => accounts.accountOf(key, leaf, previous),
    idleMs: IDLE_MS,
    shared: 'edges',
  });
  const protocols = edgeProtocolsLedger(directory, options.protocols, {
    accountOf: (key, leaf) => accounts.find(key, leaf)?.protocols.of(key),
    idleMs: IDLE_MS,
  });
  let view = PLAIN_VIEW;
  const book = (): void => {
    accounts.dropVanished(view);
    ledger.update(accounts.generation, now());
    protocols.update(accounts.generation, now());
  };
  return {
    name: 'edges',
    book,
    collect(out) {
      view = out.view;
      book();
      const current = accounts.current(view);
      write(out, current, options.counted);
      if (options.counted['requests'] === true) writeEdgeProtocols(out, current);
    },
  };
}

/** One account for each edge, kept while the client's service has or had a target on this machine. */
export class EdgeAccounts<A extends EdgeEnds & Account> {
  readonly #options: EdgeLimits;
  readonly #make: (labels: string, ends: EdgeEnds, port: string) => A;
  readonly #servers: EdgeServers;
  readonly #accounts = new Map<string, A>();

  /** `make` gets the edge's labels, rendered. */
  constructor(options: EdgeLimits, make: (labels: string, ends: EdgeEnds, port: string) => A) {
    this.#options = options;
    this.#make = make;
    this.#servers = new EdgeServers(options);
  }

  /** Changes when the account of a key may have changed. Neither part ever decreases. */
  get generation(): number {
    return this.#options.directory.generation + this.#options.loopback.version;
  }

  /** Those of services with an instance, and others whose counts a scraper still waits for. */
  current(view: ScrapeView): readonly A[] {
    const clients = clientsOf(this.#options.directory.targets);
    return [...this.#accounts.values()].filter((account) => clients.has(account.client) || !view.isSettled(account));
  }

  /** The account of a row of the kernel map; `previous` is the last one. */
  accountOf(key: Buffer, leaf: Leaf, previous: A | undefined): A | undefined {
    const account = this.find(key, leaf);
    if (account?.cut === true && previous?.cut !== true) this.#options.onCut();
    return account;
  }

  /** The account of a key, without counting a cut. Undefined if the client is not monitored, or the server's name is pending. */
  find(key: Buffer, leaf: Leaf): A | undefined {
    const client = this.#options.directory.targetOf(leaf);
    if (client === undefined || !client.monitored) return undefined;
    const server = this.#servers.serverOf(client, key);
    return server && this.#accountBetween(client, server);
  }

  #accountBetween(client: LocalTarget, server: Server): A {
    const name = [serviceKey(client), server.namespace, server.service, server.port].join('\0');
    let account = this.#accounts.get(name);
    if (account !== undefined) return account;
    if (this.#accounts.size >= this.#options.maxEdges && !server.cut) {
      const others = { ...server, ...(server.external && OTHER_PEERS), port: OTHER_PEERS.port, cut: true };
      return this.#accountBetween(client, others);
    }
    const ends = { client: serviceKey(client), external: server.external, cut: server.cut };
    account = this.#make(edgeLabels(client, server), ends, server.port);
    this.#accounts.set(name, account);
    return account;
  }

  /**
   * Drops edges of services that cannot have an instance on this machine, once no scraper waits for their counts, and
   * frees external names that only they used.
   */
  dropVanished(view: ScrapeView): void {
    const clients = clientsOf(this.#options.directory.knownTargets);
    const used = new Set<ExternalPeer>();
    for (const [name, account] of this.#accounts) {
      if (!clients.has(account.client) && view.isSettled(account)) this.#accounts.delete(name);
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

function makeAccount(labels: string, ends: EdgeEnds): EdgeAccount {
  return {
    ...ends,
    words: new Float64Array(EDGE_WORDS),
    requests: series(REQUESTS, labels),
    duration: histogramSeries(DURATION, labels),
    counters: EDGE_COUNTERS.map(({ name }) => series(name, labels)),
    protocols: new EdgeProtocols(labels),
  };
}

function write(out: Exposition, edges: readonly EdgeAccount[], counted: Readonly<Record<string, boolean>>): void {
  if (counted['requests'] === true) {
    out.family(REQUESTS, 'counter', 'Requests from one service to another, as seen by the client.');
    for (const edge of edges) out.sample(edge.requests, requestCount(out.view.counts(edge), 0, LATE));
    out.family(DURATION, 'histogram', 'Time from a request to its response, as seen by the client.');
    for (const edge of edges) out.histogram(edge.duration, out.view.counts(edge), 0);
  }
  writeCounters(out, EDGE_COUNTERS, edges, (edge) => edge, counted);
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
  maps: { edges: ({ maxEdges }) => maxEdges, edge_protocols: ({ maxEdges }) => maxEdges },
  tunable: 'track_edges',
  ofSockets: true,
  make: ({ directory, loopback, probes, now, limits, omissions, countsStatus }) =>
    edgesCollector({
      directory,
      loopback,
      map: probes.map('edges'),
      protocols: probes.map('edge_protocols'),
      now,
      counted: { ...probes.counted('edges'), responses: countsStatus },
      maxExternalNames: limits.maxExternalNames,
      ephemeral: ephemeralPorts(),
      maxEdges: limits.maxEdges,
      onCut: () => omissions.externalPeerCut(),
    }),
});
