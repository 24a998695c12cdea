import { leafOfKey, RoleAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type HistogramSeries, type Series } from '../scrape/exposition.ts';
import { PLAIN_VIEW } from '../scrape/first-scrapes.ts';
import { HISTOGRAM_WORDS, histogramCount, histogramSeries } from '../scrape/histogram.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { ephemeralPorts } from '../identity/peers/external-peers.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import type { EdgeEnds, EdgeLimits } from './edges/edge-ends.ts';
import { EdgeAccounts, IDLE_MS } from './edges/edges.ts';
import { RECEIVE, SEND } from './socket-programs.ts';

/** In the order of the words of `struct udp_stats` of bpf/shared/udp.h. */
const DATAGRAM_COUNTERS = [
  { name: 'lorikeet_udp_sent_datagrams_total', help: 'UDP datagrams sent.' },
  { name: 'lorikeet_udp_received_datagrams_total', help: 'UDP datagrams received.' },
  { name: 'lorikeet_udp_sent_bytes_total', help: 'Bytes sent in UDP datagrams, without headers.' },
  { name: 'lorikeet_udp_received_bytes_total', help: 'Bytes received in UDP datagrams, without headers.' },
] as const;
export const UDP_WORDS = DATAGRAM_COUNTERS.length;

/** `struct udp_edge_stats`: words after the histogram of requests. */
const SENT = HISTOGRAM_WORDS;
const RECEIVED = SENT + 1;
const UNANSWERED = RECEIVED + 1;
const OVERLAPPING = UNANSWERED + 1;
const UNEXPECTED = OVERLAPPING + 1;
export const UDP_EDGE_WORDS = UNEXPECTED + 1;

const REQUESTS = 'lorikeet_udp_edge_requests_total';
const DURATION = 'lorikeet_udp_edge_request_duration_seconds';
const UNANSWERED_REQUESTS = 'lorikeet_udp_edge_unanswered_requests_total';

const EDGE_COUNTERS = [
  { name: 'lorikeet_udp_edge_sent_bytes_total', word: SENT, help: 'Bytes that the client sent in UDP datagrams.' },
  {
    name: 'lorikeet_udp_edge_received_bytes_total',
    word: RECEIVED,
    help: 'Bytes that the client received in UDP datagrams.',
  },
] as const;

const DNS_PORT = '53';

interface DatagramsAccount extends Account {
  readonly counters: readonly Series[];
}

interface UdpEdgeAccount extends Account, EdgeEnds {
  readonly isDns: boolean;
  readonly requests: Series;
  readonly duration: HistogramSeries;
  readonly unanswered: Series;
  readonly counters: readonly Series[];
}

export interface UdpOptions extends EdgeLimits {
  /** The kernel map `udp`. */
  readonly map: CounterMap;
  /** The kernel map `udp_edges`. */
  readonly edges: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Counts DNS queries that have waited too long as unanswered. */
  readonly expireQueries: () => void;
}

/** UDP datagrams by role, and by peer as seen by the client, from the kernel maps `udp` and `udp_edges`. */
export function udpCollector(options: UdpOptions): Collector {
  const { directory, now } = options;
  const leafOf = leafOfKey(directory);
  const datagrams = new RoleAccounts<DatagramsAccount>(directory, (labels, role) => ({
    words: new Float64Array(UDP_WORDS),
    counters: DATAGRAM_COUNTERS.map(({ name }) => series(name, labels, `role="${role}"`)),
  }));
  const edges = new EdgeAccounts(options, makeEdge);
  const ledgers = [
    new Ledger({ map: options.map, leafOf, accountOf: datagrams.accountOf }),
    new Ledger({
      map: options.edges,
      leafOf,
      accountOf: (key, leaf, previous: UdpEdgeAccount | undefined) => edges.accountOf(key, leaf, previous),
      idleMs: IDLE_MS,
      shared: 'udp_edges',
    }),
  ];
  let view = PLAIN_VIEW;
  const book = (): void => {
    edges.dropVanished(view);
    for (const ledger of ledgers) ledger.update(edges.generation, now());
  };
  return {
    name: 'udp',
    book,
    collect(out) {
      view = out.view;
      options.expireQueries();
      book();
      writeDatagrams(out, datagrams.current(view));
      writeEdges(out, edges.current(view));
    },
  };
}

function makeEdge(labels: string, ends: EdgeEnds, port: string): UdpEdgeAccount {
  return {
    ...ends,
    words: new Float64Array(UDP_EDGE_WORDS),
    isDns: port === DNS_PORT,
    requests: series(REQUESTS, labels),
    duration: histogramSeries(DURATION, labels),
    unanswered: series(UNANSWERED_REQUESTS, labels),
    counters: EDGE_COUNTERS.map(({ name }) => series(name, labels)),
  };
}

/**
 * True if the datagrams of an edge are requests with one answer each: then its requests and durations are exact. DNS
 * queries are paired by their ids. Elsewhere, a request sent while another one is open, or a datagram that nobody asked
 * for, shows that the protocol is a stream (QUIC, media), or a sender without answers (metrics, logs). The answer to a
 * request that was already counted as unanswered may come late.
 */
function hasRequests({ isDns, words }: UdpEdgeAccount): boolean {
  if (isDns) return true;
  const word = (index: number): number => words[index] ?? 0;
  return histogramCount(words, 0) > 0 && word(OVERLAPPING) === 0 && word(UNEXPECTED) <= word(UNANSWERED);
}

/** Most instances use UDP in one role or not at all: the other series would only be zeros. */
function writeDatagrams(out: Exposition, accounts: readonly DatagramsAccount[]): void {
  const active = accounts.filter(({ words }) => words.some((word) => word > 0));
  for (const [word, { name, help }] of DATAGRAM_COUNTERS.entries()) {
    out.family(name, 'counter', help);
    for (const account of active) out.sample(account.counters[word] as Series, out.view.counts(account)[word] ?? 0);
  }
}

function writeEdges(out: Exposition, edges: readonly UdpEdgeAccount[]): void {
  const exchanges = edges.filter(hasRequests);
  out.family(REQUESTS, 'counter', 'UDP requests that were answered, as seen by the client.');
  for (const edge of exchanges) out.sample(edge.requests, histogramCount(out.view.counts(edge), 0));
  out.family(DURATION, 'histogram', 'Time from a UDP request to its answer, as seen by the client.');
  for (const edge of exchanges) out.histogram(edge.duration, out.view.counts(edge), 0);
  out.family(
    UNANSWERED_REQUESTS,
    'counter',
    'UDP requests without an answer for 5 seconds or until they were repeated.',
  );
  for (const edge of exchanges) out.sample(edge.unanswered, out.view.counts(edge)[UNANSWERED] ?? 0);
  for (const [index, { name, word, help }] of EDGE_COUNTERS.entries()) {
    out.family(name, 'counter', help);
    for (const edge of edges) out.sample(edge.counters[index] as Series, out.view.counts(edge)[word] ?? 0);
  }
}

export const udp = describeCollector({
  name: 'udp',
  shows: 'UDP datagrams, and DNS queries and other requests by UDP',
  programs: {
    [SEND]: ALL,
    [RECEIVE]: ALL,
    udp_sendmsg: ALL,
    udpv6_sendmsg: ALL,
    udp_recvmsg: ALL,
    udpv6_recvmsg: ALL,
    expire_dns_queries: ALL,
  },
  maps: { udp: ({ maxServices }) => 2 * maxServices, udp_edges: ({ maxEdges }) => maxEdges },
  tunable: 'track_udp',
  ofSockets: true,
  make: ({ directory, loopback, probes, now, limits, omissions }) =>
    udpCollector({
      directory,
      loopback,
      map: probes.map('udp'),
      edges: probes.map('udp_edges'),
      now,
      expireQueries: () => probes.expireQueries(),
      maxExternalNames: limits.maxExternalNames,
      ephemeral: ephemeralPorts(),
      maxEdges: limits.maxEdges,
      onCut: () => omissions.externalPeerCut(),
    }),
});
