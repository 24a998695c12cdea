import type { Role } from '../accounting/accounts.ts';
import { LinesOf, REQUEST_WORDS, type ServiceAccount, type ServiceCounts } from '../accounting/service-counts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type FamilyType } from '../scrape/exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries } from '../scrape/histogram.ts';
import type { Directory } from '../identity/directory.ts';
import { ALL } from '../kernel/needs.ts';
import { writeCounters, type Counter } from './counters.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, SERVICES, STATE, withoutState } from './socket-programs.ts';

/** Reasons in the order of `enum connect_failure` of bpf/shared/tcp.h. */
const REASONS = ['refused', 'timeout', 'reset', 'unreachable', 'other'] as const;

/** In the order of `enum reset_direction`. */
const RESET_DIRECTIONS = ['sent', 'received'] as const;

/** Words of `struct tcp_stats` of bpf/shared/tcp.h, in a row of the kernel map `services`. */
export const OPENED = REQUEST_WORDS;
const CLOSED = OPENED + 1;
const SENT = CLOSED + 1;
const RECEIVED = SENT + 1;
const FAILURES = RECEIVED + 1;
const CONNECT = FAILURES + REASONS.length;
const LIFETIME = CONNECT + HISTOGRAM_WORDS;
const ROUND_TRIP = LIFETIME + HISTOGRAM_WORDS;
const RETRANSMITTED = ROUND_TRIP + HISTOGRAM_WORDS;
const RESETS = RETRANSMITTED + 1;
const ADOPTED = RESETS + RESET_DIRECTIONS.length;
/** Received without a receive call, such as by splice(), or in requests without a response. */
const UNSEEN = ADOPTED + 1;
/** Sent in requests without a response. */
const UNANSWERED = UNSEEN + 1;
export const SERVICE_WORDS = UNANSWERED + 1;

const COUNTERS: readonly Counter[] = [
  { name: 'lorikeet_tcp_connections_opened_total', word: OPENED, help: 'Connections established.' },
  { name: 'lorikeet_tcp_connections_closed_total', word: CLOSED, help: 'Connections closed after being established.' },
  {
    name: 'lorikeet_tcp_sent_bytes_total',
    word: SENT,
    plus: UNANSWERED,
    help: 'Bytes sent, including those of open connections.',
    only: 'sentBytes',
  },
  {
    name: 'lorikeet_tcp_received_bytes_total',
    word: RECEIVED,
    plus: UNSEEN,
    help: 'Bytes received, including those of open connections.',
    only: 'receivedBytes',
  },
  {
    name: 'lorikeet_tcp_retransmitted_segments_total',
    word: RETRANSMITTED,
    help: 'Retransmitted segments, including those of handshakes.',
    only: 'retransmits',
  },
];
const ACTIVE = 'lorikeet_tcp_connections_active';
const CONNECT_FAILURES = 'lorikeet_tcp_connect_failures_total';
const CONNECT_DURATION = 'lorikeet_tcp_connect_duration_seconds';
const CONNECTION_LIFETIME = 'lorikeet_tcp_connection_lifetime_seconds';
const ROUND_TRIP_TIME = 'lorikeet_tcp_round_trip_seconds';
const RESETS_TOTAL = 'lorikeet_tcp_resets_total';

function makeLines(account: ServiceAccount) {
  const { labels, role } = account;
  const roleLabel = `role="${role}"`;
  const client = role === 'client';
  return {
    account,
    counters: COUNTERS.map(({ name }) => series(name, labels, roleLabel)),
    activeLine: series(ACTIVE, labels, roleLabel),
    /** Open connections; recounted at each scrape. */
    active: 0,
    /** Only for clients: servers don't connect. */
    failures: client ? REASONS.map((reason) => series(CONNECT_FAILURES, labels, `reason="${reason}"`)) : [],
    connect: client ? histogramSeries(CONNECT_DURATION, labels, roleLabel) : undefined,
    lifetime: histogramSeries(CONNECTION_LIFETIME, labels, roleLabel),
    roundTrip: histogramSeries(ROUND_TRIP_TIME, labels, roleLabel),
    /** By target, not by role: exported from the client's account. */
    resets: client ? RESET_DIRECTIONS.map((name) => series(RESETS_TOTAL, labels, `direction="${name}"`)) : [],
  };
}

type Lines = ReturnType<typeof makeLines>;

export interface ConnectionsOptions {
  readonly directory: Directory;
  readonly services: ServiceCounts;
  /** Families of the descriptor's `countedBy`; families that are not counted are not exported. */
  readonly counted: Readonly<Record<string, boolean>>;
  /** Called at each scrape with the number of open connections of cgroups that belong to no target. */
  readonly onUnattributed: (connections: number) => void;
}

/** TCP connections. */
export function connectionsCollector(options: ConnectionsOptions): Collector {
  const { directory, services, counted, onUnattributed } = options;
  const lines = new LinesOf(makeLines);

  /** Sums rows, not accounts: an account that started during a connection would be negative after its close. */
  const countActive = (current: readonly Lines[]): void => {
    let unattributed = 0;
    for (const shown of current) shown.active = 0;
    services.ledger.forEach((account, words, leaf) => {
      const active = Math.max(0, (words[OPENED] ?? 0) + (words[ADOPTED] ?? 0) - (words[CLOSED] ?? 0));
      if (account !== undefined) lines.of(account).active += active;
      else if (directory.targetOf(leaf) === undefined) unattributed += active;
    });
    onUnattributed(unattributed);
  };

  const book = (): void => services.read('connections');
  return {
    name: 'connections',
    book,
    collect(out) {
      book();
      const current = lines.all(services.accounts.current(out.view));
      countActive(current);
      write(out, current, counted);
      if (counted['resets'] === true) writeResets(out, services.accounts.byTarget(out.view), lines);
    },
  };
}

function write(out: Exposition, current: readonly Lines[], counted: Readonly<Record<string, boolean>>): void {
  writeCounters(out, COUNTERS, current, ({ account }) => account, counted);
  out.family(ACTIVE, 'gauge', 'Open connections.');
  for (const { activeLine, active } of current) out.sample(activeLine, active);
  out.family(CONNECT_FAILURES, 'counter', 'Failed connection attempts, by reason.');
  for (const { account, failures } of current) {
    const words = out.view.counts(account);
    for (const [index, line] of failures.entries()) out.sample(line, words[FAILURES + index] ?? 0);
  }
  const histogram: FamilyType = 'histogram';
  out.family(CONNECT_DURATION, histogram, 'Time from the first SYN to establishment.');
  for (const { account, connect } of current) {
    if (connect !== undefined) out.histogram(connect, out.view.counts(account), CONNECT);
  }
  out.family(CONNECTION_LIFETIME, histogram, 'Time from establishment to close, of closed connections.');
  for (const { account, lifetime } of current) out.histogram(lifetime, out.view.counts(account), LIFETIME);
  out.family(
    ROUND_TRIP_TIME,
    histogram,
    'Smoothed round-trip time, sampled at most once per second while a connection moves bytes, otherwise at its close.',
  );
  for (const { account, roundTrip } of current) out.histogram(roundTrip, out.view.counts(account), ROUND_TRIP);
}

function writeResets(
  out: Exposition,
  targets: readonly Readonly<Record<Role, ServiceAccount>>[],
  lines: LinesOf<Lines>,
): void {
  out.family(RESETS_TOTAL, 'counter', 'TCP resets of connections and connection attempts, by direction.');
  for (const { client, server } of targets) {
    const [asClient, asServer] = [out.view.counts(client), out.view.counts(server)];
    for (const [index, line] of lines.of(client).resets.entries()) {
      out.sample(line, (asClient[RESETS + index] ?? 0) + (asServer[RESETS + index] ?? 0));
    }
  }
}

const RESET_PROGRAMS = [
  'tcp_send_reset',
  'tcp_send_reset_nested',
  'tcp_receive_reset',
  'tcp_receive_reset_nested',
] as const;
const RETRANSMIT_PROGRAMS = ['tcp_retransmit_skb', 'tcp_retransmit_synack'] as const;

export const connections = describeCollector({
  name: 'connections',
  shows: 'TCP connections',
  programs: {
    ...withoutState(ALL),
    [SEND]: 'sent bytes, round-trip times of connections that only send',
    [RECEIVE]: 'received bytes, round-trip times of connections that only receive',
    ...Object.fromEntries(RETRANSMIT_PROGRAMS.map((program) => [program, 'retransmitted segments'])),
    ...Object.fromEntries(RESET_PROGRAMS.map((program) => [program, 'resets'])),
    adopt_sockets: 'connections older than the exporter, until they move bytes',
  },
  countedBy: {
    connections: STATE,
    sentBytes: [SEND],
    receivedBytes: [RECEIVE],
    retransmits: RETRANSMIT_PROGRAMS,
    resets: RESET_PROGRAMS,
  },
  maps: SERVICES,
  ofSockets: true,
  make: ({ directory, services, probes, omissions }) =>
    connectionsCollector({
      directory,
      services: services(),
      counted: probes.counted('connections'),
      onUnattributed: (open) => omissions.unattributed(open),
    }),
});
