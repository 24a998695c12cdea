import { leafOfKey, RoleAccounts, type Role } from '../accounts.ts';
import type { Collector } from '../collector.ts';
import { series, type Exposition, type FamilyType, type Series } from '../exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries, writeHistogram, type HistogramSeries } from '../histogram.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../ledger.ts';

/** Reasons in the order of `enum connect_failure` of bpf/tcp.h. */
const REASONS = ['refused', 'timeout', 'reset', 'unreachable', 'other'] as const;

/** Words of `struct tcp_stats` of bpf/tcp.h. */
const OPENED = 0;
const CLOSED = 1;
const SENT = 2;
const RECEIVED = 3;
const FAILURES = 4;
const CONNECT = FAILURES + REASONS.length;
const LIFETIME = CONNECT + HISTOGRAM_WORDS;
export const TCP_WORDS = LIFETIME + HISTOGRAM_WORDS;

interface Counter {
  readonly name: string;
  readonly word: number;
  readonly help: string;
  /** Counted by the hooks of send and receive calls. */
  readonly bytes?: true;
}

const COUNTERS: readonly Counter[] = [
  { name: 'lorikeet_tcp_connections_opened_total', word: OPENED, help: 'Connections established.' },
  { name: 'lorikeet_tcp_connections_closed_total', word: CLOSED, help: 'Connections closed after being established.' },
  { name: 'lorikeet_tcp_sent_bytes_total', word: SENT, help: 'Bytes sent, of open connections too.', bytes: true },
  {
    name: 'lorikeet_tcp_received_bytes_total',
    word: RECEIVED,
    help: 'Bytes received, of open connections too.',
    bytes: true,
  },
];
const ACTIVE = 'lorikeet_tcp_connections_active';
const CONNECT_FAILURES = 'lorikeet_tcp_connect_failures_total';
const CONNECT_DURATION = 'lorikeet_tcp_connect_duration_seconds';
const CONNECTION_LIFETIME = 'lorikeet_tcp_connection_lifetime_seconds';

interface ConnectionsAccount extends Account {
  readonly counters: readonly Series[];
  readonly activeLine: Series;
  /** Connections open now; counted anew at each scrape. */
  active: number;
  /** Client only: servers don't connect. */
  readonly failures: readonly Series[];
  readonly connect: HistogramSeries | undefined;
  readonly lifetime: HistogramSeries;
}

function makeAccount(labels: string, role: Role): ConnectionsAccount {
  const roleLabel = `role="${role}"`;
  const client = role === 'client';
  return {
    words: new Float64Array(TCP_WORDS),
    counters: COUNTERS.map(({ name }) => series(name, labels, roleLabel)),
    activeLine: series(ACTIVE, labels, roleLabel),
    active: 0,
    failures: client ? REASONS.map((reason) => series(CONNECT_FAILURES, labels, `reason="${reason}"`)) : [],
    connect: client ? histogramSeries(CONNECT_DURATION, labels, roleLabel) : undefined,
    lifetime: histogramSeries(CONNECTION_LIFETIME, labels, roleLabel),
  };
}

export interface ConnectionsOptions {
  readonly directory: Directory;
  /** The kernel map `tcp`. */
  readonly map: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
  /** Whether sent and received bytes are counted here; without, their families are left out rather than zero. */
  readonly bytes: boolean;
  /** Told at each scrape how many connections are open in cgroups that are nobody's. */
  readonly onUnattributed: (connections: number) => void;
}

/** TCP connections, from the kernel map `tcp`. */
export function connectionsCollector({ directory, map, now, bytes, onUnattributed }: ConnectionsOptions): Collector {
  const accounts = new RoleAccounts<ConnectionsAccount>(directory, makeAccount);
  const ledger = new Ledger({ map, leafOf: leafOfKey(directory), accountOf: accounts.accountOf });

  /** Of live rows, not of accounts: an account that began in the middle of a connection would count less than none. */
  const countActive = (current: readonly ConnectionsAccount[]): void => {
    let unattributed = 0;
    for (const account of current) account.active = 0;
    ledger.forEach((account, words, leaf) => {
      const active = Math.max(0, (words[OPENED] ?? 0) - (words[CLOSED] ?? 0));
      if (account !== undefined) account.active += active;
      else if (directory.targetOf(leaf) === undefined) unattributed += active;
    });
    onUnattributed(unattributed);
  };

  return {
    name: 'connections',
    collect(out) {
      ledger.update(directory.generation, now());
      const current = accounts.current();
      countActive(current);
      write(out, current, bytes);
    },
  };
}

function write(out: Exposition, accounts: readonly ConnectionsAccount[], withBytes: boolean): void {
  for (const [index, { name, word, help, bytes }] of COUNTERS.entries()) {
    if (bytes === true && !withBytes) continue;
    out.family(name, 'counter', help);
    for (const { counters, words } of accounts) out.sample(counters[index] as Series, words[word] ?? 0);
  }
  out.family(ACTIVE, 'gauge', 'Connections open now, but for those older than the exporter.');
  for (const { activeLine, active } of accounts) out.sample(activeLine, active);
  out.family(CONNECT_FAILURES, 'counter', 'Connection attempts that failed, by reason.');
  for (const { failures, words } of accounts) {
    for (const [index, line] of failures.entries()) out.sample(line, words[FAILURES + index] ?? 0);
  }
  const histogram: FamilyType = 'histogram';
  out.family(CONNECT_DURATION, histogram, 'Time from the first SYN until the connection was established.');
  for (const { connect, words } of accounts) if (connect !== undefined) writeHistogram(out, connect, words, CONNECT);
  out.family(CONNECTION_LIFETIME, histogram, 'Time from establishment until close, of closed connections.');
  for (const { lifetime, words } of accounts) writeHistogram(out, lifetime, words, LIFETIME);
}
