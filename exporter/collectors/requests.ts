import { leafOfKey, RoleAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Exposition, type Series } from '../scrape/exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries, writeHistogram, type HistogramSeries } from '../scrape/histogram.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { LATE_WORDS, requestCount } from '../accounting/late-requests.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, withoutState } from './socket-programs.ts';

interface RequestsAccount extends Account {
  readonly total: Series;
  readonly duration: HistogramSeries;
}

/** `struct request_stats` of bpf/shared/requests.h: words after the histogram of durations. */
const LATE = HISTOGRAM_WORDS;
export const REQUEST_WORDS = LATE + LATE_WORDS;

const TOTAL = 'lorikeet_requests_total';
const DURATION = 'lorikeet_request_duration_seconds';

/** Requests and their durations, from the kernel map `requests`; `now` returns milliseconds. */
export function requestsCollector(directory: Directory, map: CounterMap, now: () => number): Collector {
  const accounts = new RoleAccounts<RequestsAccount>(directory, (labels, role) => ({
    words: new Float64Array(REQUEST_WORDS),
    total: series(TOTAL, labels, `role="${role}"`),
    duration: histogramSeries(DURATION, labels, `role="${role}"`),
  }));
  const ledger = new Ledger({ map, leafOf: leafOfKey(directory), accountOf: accounts.accountOf });
  const book = (): void => void ledger.update(directory.generation, now());
  return {
    name: 'requests',
    book,
    collect(out: Exposition) {
      book();
      const current = accounts.current();
      out.family(TOTAL, 'counter', 'Requests sent (client) or received and answered (server).');
      for (const { total, words } of current) out.sample(total, requestCount(words, 0, LATE));
      out.family(DURATION, 'histogram', 'Time from a request to its response.');
      for (const { duration, words } of current) writeHistogram(out, duration, words, 0);
    },
  };
}

export const requests = describeCollector({
  name: 'requests',
  shows: 'requests and their durations',
  programs: {
    ...withoutState('sockets of unknown role (clients with an explicitly bound port)'),
    [SEND]: ALL,
    [RECEIVE]: ALL,
  },
  // A row for each role.
  maps: { requests: ({ maxServices }) => 2 * maxServices },
  ofSockets: true,
  make: ({ directory, probes, now }) => requestsCollector(directory, probes.map('requests'), now),
});
