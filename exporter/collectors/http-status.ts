import { leafOfKey, RoleAccounts } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import { Ledger, type Account, type CounterMap } from '../accounting/ledger.ts';
import { ALL } from '../kernel/needs.ts';
import { describeCollector } from './descriptor.ts';
import { RECEIVE, SEND, withoutState } from './socket-programs.ts';

/** In the order of the words of `struct http_stats` of bpf/http/status.bpf.h. */
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export const HTTP_WORDS = CLASSES.length;

/** The codes of gRPC from 0 on, in the spelling of go-grpc-prometheus. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
export const GRPC_WORDS = CODES.length;

const RESPONSES = 'lorikeet_http_responses_total';
const GRPC_RESPONSES = 'lorikeet_grpc_responses_total';

interface StatusAccount extends Account {
  /** In the order of the words. */
  readonly lines: readonly Series[];
}

export interface HttpStatusOptions {
  readonly directory: Directory;
  /** The kernel map `http_responses`. */
  readonly map: CounterMap;
  /** The kernel map `grpc_responses`. */
  readonly grpc: CounterMap;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Responses of HTTP and gRPC in clear text by status. */
export function httpStatusCollector({ directory, map, grpc, now }: HttpStatusOptions): Collector {
  const http = responses(RESPONSES, 'class', CLASSES, { directory, map, now });
  const calls = responses(GRPC_RESPONSES, 'code', CODES, { directory, map: grpc, now });
  const book = (): void => {
    http.book();
    calls.book();
  };
  return {
    name: 'http_status',
    book,
    collect(out) {
      book();
      out.family(
        RESPONSES,
        'counter',
        'Responses of HTTP in clear text received (client) or sent (server), by status class.',
      );
      for (const account of http.accounts.current(out.view)) {
        const words = out.view.counts(account);
        for (const [index, line] of account.lines.entries()) out.sample(line, words[index] ?? 0);
      }
      out.family(
        GRPC_RESPONSES,
        'counter',
        'Responses of gRPC in clear text received (client) or sent (server), by status code.',
      );
      // Most services do not speak gRPC.
      for (const account of calls.accounts.current(out.view)) {
        if (account.words.every((count) => count === 0)) continue;
        const words = out.view.counts(account);
        for (const [index, line] of account.lines.entries()) out.sample(line, words[index] ?? 0);
      }
    },
  };
}

function responses(
  family: string,
  label: string,
  values: readonly string[],
  { directory, map, now }: Omit<HttpStatusOptions, 'grpc'>,
) {
  const accounts = new RoleAccounts<StatusAccount>(directory, (labels, role) => ({
    words: new Float64Array(values.length),
    lines: values.map((value) => series(family, labels, `role="${role}",${label}="${value}"`)),
  }));
  const ledger = new Ledger({ map, leafOf: leafOfKey(directory), accountOf: accounts.accountOf });
  return { accounts, book: () => void ledger.update(directory.generation, now()) };
}

export const httpStatus = describeCollector({
  name: 'http_status',
  shows: 'responses of HTTP and gRPC in clear text by status',
  offBecause: 'costs up to 0.4 µs per response',
  programs: {
    ...withoutState('sockets of unknown role (clients with an explicitly bound port)'),
    [SEND]: ALL,
    [RECEIVE]: ALL,
  },
  maps: {
    http_responses: ({ maxServices }) => 2 * maxServices,
    grpc_responses: ({ maxServices }) => 2 * maxServices,
  },
  tunable: 'track_http_status',
  ofSockets: true,
  make: ({ directory, probes, now }) =>
    httpStatusCollector({ directory, map: probes.map('http_responses'), grpc: probes.map('grpc_responses'), now }),
});
