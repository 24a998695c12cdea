import { LATE_WORDS, requestCount } from '../accounting/late-requests.ts';
import { LinesOf, type ServiceCounts } from '../accounting/service-counts.ts';
import type { Collector } from '../scrape/collector.ts';
import { NANOSECONDS, series } from '../scrape/exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries } from '../scrape/histogram.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, SERVICES, withoutState } from './socket-programs.ts';

/** Words of `struct request_stats` of bpf/shared/requests.h, which begins a row. */
const DURATIONS = 0;
const LATE = HISTOGRAM_WORDS;
const CLIENT_WAIT = LATE + LATE_WORDS;

const TOTAL = 'lorikeet_requests_total';
const DURATION = 'lorikeet_request_duration_seconds';
const WAIT = 'lorikeet_request_client_wait_seconds_total';

/** Requests and their durations. */
export function requestsCollector(services: ServiceCounts): Collector {
  const lines = new LinesOf((account) => ({
    account,
    total: series(TOTAL, account.labels, `role="${account.role}"`),
    duration: histogramSeries(DURATION, account.labels, `role="${account.role}"`),
    wait: series(WAIT, account.labels, `role="${account.role}"`),
  }));
  const book = (): void => services.read('requests');
  return {
    name: 'requests',
    book,
    collect(out) {
      book();
      const current = lines.all(services.accounts.current(out.view));
      out.family(TOTAL, 'counter', 'Requests sent (client) or received and answered (server).');
      for (const { account, total } of current)
        out.sample(total, requestCount(out.view.counts(account), DURATIONS, LATE));
      out.family(DURATION, 'histogram', 'Time from a request to its response.');
      for (const { account, duration } of current) out.histogram(duration, out.view.counts(account), DURATIONS);
      out.family(WAIT, 'counter', 'Part of the durations during which the client had not sent all of the request.');
      for (const { account, wait } of current)
        out.sample(wait, (out.view.counts(account)[CLIENT_WAIT] ?? 0) / NANOSECONDS);
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
  maps: SERVICES,
  ofSockets: true,
  make: ({ services }) => requestsCollector(services()),
});
