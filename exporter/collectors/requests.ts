import { requestCount } from '../accounting/late-requests.ts';
import { LinesOf, type ServiceCounts } from '../accounting/service-counts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series } from '../scrape/exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries } from '../scrape/histogram.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, SERVICES, withoutState } from './socket-programs.ts';

/** Words of `struct request_stats` of bpf/shared/requests.h, which begins a row. */
const DURATIONS = 0;
const LATE = HISTOGRAM_WORDS;

const TOTAL = 'lorikeet_requests_total';
const DURATION = 'lorikeet_request_duration_seconds';

/** Requests and their durations. */
export function requestsCollector(services: ServiceCounts): Collector {
  const lines = new LinesOf(({ labels, role }) => ({
    total: series(TOTAL, labels, `role="${role}"`),
    duration: histogramSeries(DURATION, labels, `role="${role}"`),
  }));
  const book = (): void => services.read('requests');
  return {
    name: 'requests',
    book,
    collect(out) {
      book();
      const current = services.accounts.current(out.view);
      out.family(TOTAL, 'counter', 'Requests sent (client) or received and answered (server).');
      for (const account of current)
        out.sample(lines.of(account).total, requestCount(out.view.counts(account), DURATIONS, LATE));
      out.family(DURATION, 'histogram', 'Time from a request to its response.');
      for (const account of current) out.histogram(lines.of(account).duration, out.view.counts(account), DURATIONS);
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
