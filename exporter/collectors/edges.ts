import { leafOfKey } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type HistogramSeries, type Series } from '../scrape/exposition.ts';
import { PLAIN_VIEW, type ScrapeView } from '../scrape/first-scrapes.ts';
import { histogramSeries } from '../scrape/histogram.ts';
import type { Leaf, LocalTarget } from '../identity/directory.ts';
import { ExternalPeers, OTHER_PEERS, type ExternalPeer } from '../identity/external-peers.ts';
import { EDGE_COUNTERS, EDGE_WORDS, LATE } from '../accounting/edge-counters.ts';
import { requestCount } from '../accounting/late-requests.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { writeCounters } from './counters.ts';
import { describeCollector } from './descriptor.ts';
import { edgeLabels, serviceKey, type EdgeEnds, type EdgeLimits, type Server } from './edge-ends.ts';
import { EdgeProtocols, edgeProtocolsLedger, writeEdgeProtocols } from './edge-protocols.ts';
import { RECEIVE, SEND, STATE, withoutState } from './socket-programs.ts';

/** `struct edge_key` of bpf/shared/attribution.h: offsets in bytes. */
const ADDRESS_START = 8;
const ADDRESS_END = 24;
const PORT = 24;

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
  });
  const protocols = edgeProtocolsLedger(directory, options.protocols, {
    accountOf: (key, leaf) => accounts.find(key, leaf)?.protocols.of(key),
    idleMs: IDLE_MS,
  });
  let view = PLAIN_VIEW;
  const book = (): void => {
    accounts.dropVanished(view);
    ledger.update(directory.generation, now());
    protocols.update(directory.generation, now());
  };
  return {
    name: 'edges',
    book,
    collect(out) {
      view = out.view;
      book();
      write(out, accounts.all(), options.counted);
      if (options.counted['requests'] === true) writeEdgeProtocols(out, accounts.all());
    },
  };
}

/** One account for each edge, kept while the client's service has an instance on this machine. */
export class EdgeAccounts<A extends EdgeEnds & Account> {
  readonly #options: EdgeLimits;
  readonly #make: (labels: string, ends: EdgeEnds, port: string) => A;
  readonly #external: ExternalPeers;
  readonly #accounts = new Map<string, A>();

  /** `make` gets the edge's labels, rendered. */
  constructor(options: EdgeLimits, make: (labels: string, ends: EdgeEnds, port: string) => A) {
    this.#options = options;
    this.#make = make;
    this.#external = new ExternalPeers(options.maxExternalNames);
  }

  all(): Iterable<A> {
    return this.#accounts.values();
  }

  /** The account of a row of the kernel map; `previous` is the last one. */
  accountOf(key: Buffer, leaf: Leaf, previous: A | undefined): A | undefined {
    const account = this.find(key, leaf);
    if (account?.cut === true && previous?.cut !== true) this.#options.onCut();
    return account;
  }

  /** The account of a key, without counting a cut. Undefined if the client is not monitored. */
  find(key: Buffer, leaf: Leaf): A | undefined {
    const client = this.#options.directory.targetOf(leaf);
    if (client === undefined || !client.monitored) return undefined;
    return this.#accountBetween(client, this.#serverOf(key));
  }

  #accountBetween(client: LocalTarget, server: Server): A {
    const name = [serviceKey(client), server.namespace, server.service, server.port].join('\0');
    let account = this.#accounts.get(name);
    if (account !== undefined) return account;
    if (this.#accounts.size >= this.#options.maxEdges && server.port !== OTHER_PEERS.port) {
      return this.#accountBetween(client, { ...server, ...(server.external && OTHER_PEERS), port: OTHER_PEERS.port });
    }
    const ends = { client: serviceKey(client), external: server.external, cut: server.port === OTHER_PEERS.port };
    account = this.#make(edgeLabels(client, server), ends, server.port);
    this.#accounts.set(name, account);
    return account;
  }

  #serverOf(key: Buffer): Server {
    const bytes = key.toString('latin1', ADDRESS_START, ADDRESS_END);
    const port = key.readUInt16LE(PORT);
    const target = this.#options.directory.peer(bytes, port);
    if (target !== undefined) {
      return { namespace: target.namespace, service: target.service, port: String(port), external: undefined };
    }
    const external = this.#external.name(bytes, port);
    return { namespace: 'external', ...external, external };
  }

  /**
   * Drops edges of services without an instance on this machine, once no scraper waits for their counts, and frees
   * external names that only they used.
   */
  dropVanished(view: ScrapeView): void {
    const clients = new Set<string>();
    for (const target of this.#options.directory.targets) if (target.monitored) clients.add(serviceKey(target));
    const used = new Set<ExternalPeer>();
    for (const [name, account] of this.#accounts) {
      if (!clients.has(account.client) && view.isSettled(account)) this.#accounts.delete(name);
      else if (account.external !== undefined) used.add(account.external);
    }
    this.#external.retain(used);
  }
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

function write(out: Exposition, accounts: Iterable<EdgeAccount>, counted: Readonly<Record<string, boolean>>): void {
  const edges = [...accounts];
  if (counted['requests'] === true) {
    out.family(REQUESTS, 'counter', 'Requests from one service to another, as seen by the client.');
    for (const edge of edges) out.sample(edge.requests, requestCount(out.view.counts(edge), 0, LATE));
    out.family(DURATION, 'histogram', 'Time from a request to its response, as seen by the client.');
    for (const edge of edges) out.histogram(edge.duration, out.view.counts(edge), 0);
  }
  writeCounters(out, EDGE_COUNTERS, edges, counted);
}

export const edges = describeCollector({
  name: 'edges',
  shows: 'calls between services',
  programs: {
    ...withoutState('failed connects, unanswered requests, clients with an explicitly bound port'),
    [SEND]: 'requests, unanswered requests, sent bytes',
    [RECEIVE]: 'requests, unanswered requests, received bytes',
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
  make: ({ directory, probes, now, limits, omissions, countsStatus }) =>
    edgesCollector({
      directory,
      map: probes.map('edges'),
      protocols: probes.map('edge_protocols'),
      now,
      counted: { ...probes.counted('edges'), responses: countsStatus },
      maxExternalNames: limits.maxExternalNames,
      maxEdges: limits.maxEdges,
      onCut: () => omissions.externalPeerCut(),
    }),
});
