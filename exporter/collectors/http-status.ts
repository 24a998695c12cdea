import { leafOfKey, RoleAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, withoutState } from './socket-programs.ts';

/** In the order of the words of `struct http_stats` of bpf/requests.bpf.c. */
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export const HTTP_WORDS = CLASSES.length;

const RESPONSES = 'lorikeet_http_responses_total';

interface ResponsesAccount extends Account {
  readonly lines: readonly Series[];
}

/** Plain-text HTTP responses by status class, from the kernel map `http_responses`; `now` returns milliseconds. */
export function httpStatusCollector(directory: Directory, map: CounterMap, now: () => number): Collector {
  const accounts = new RoleAccounts<ResponsesAccount>(directory, (labels, role) => ({
    words: new Float64Array(HTTP_WORDS),
    lines: CLASSES.map((name) => series(RESPONSES, labels, `role="${role}",class="${name}"`)),
  }));
  const ledger = new Ledger({ map, leafOf: leafOfKey(directory), accountOf: accounts.accountOf });
  const book = (): void => void ledger.update(directory.generation, now());
  return {
    name: 'http_status',
    book,
    collect(out) {
      book();
      out.family(
        RESPONSES,
        'counter',
        'Plain-text HTTP/1.x responses received (client) or sent (server), by status class.',
      );
      for (const account of accounts.current(out.view)) {
        const words = out.view.counts(account);
        for (const [index, line] of account.lines.entries()) out.sample(line, words[index] ?? 0);
      }
    },
  };
}

export const httpStatus = describeCollector({
  name: 'http_status',
  shows: 'plain-text HTTP responses by status class',
  offBecause: 'reads the first bytes of every response',
  programs: { ...withoutState('sockets of unknown role'), [SEND]: ALL, [RECEIVE]: ALL },
  maps: { http_responses: ({ maxServices }) => 2 * maxServices },
  tunable: 'track_http_status',
  ofSockets: true,
  make: ({ directory, probes, now }) => httpStatusCollector(directory, probes.map('http_responses'), now),
});
