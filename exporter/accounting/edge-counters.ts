import { HISTOGRAM_WORDS } from '../scrape/histogram.ts';
import { NANOSECONDS } from '../scrape/exposition.ts';
import { LATE_WORDS } from './late-requests.ts';

/** `struct edge_stats` of bpf/shared/requests.h: words after the histogram of requests. */
const SENT = HISTOGRAM_WORDS;
const RECEIVED = SENT + 1;
const CONNECT_FAILURES = RECEIVED + 1;
const UNANSWERED = CONNECT_FAILURES + 1;
/** Received without a receive call, such as by splice(). */
const UNSEEN = UNANSWERED + 1;
export const LATE = UNSEEN + 1;
const RESPONSES = LATE + LATE_WORDS;
const FAILED = RESPONSES + 1;
/** Sent in requests without a response. */
const UNANSWERED_BYTES = FAILED + 1;
const CLIENT_WAIT = UNANSWERED_BYTES + 1;
export const EDGE_WORDS = CLIENT_WAIT + 1;

/** The counters of an edge, in the order of /metrics; each is exported if its member of `counted` is true. */
export const EDGE_COUNTERS = [
  {
    name: 'lorikeet_edge_request_client_wait_seconds_total',
    word: CLIENT_WAIT,
    per: NANOSECONDS,
    help: 'Part of the durations of requests during which the client had not sent all of them.',
    only: 'requests',
  },
  {
    name: 'lorikeet_edge_sent_bytes_total',
    word: SENT,
    plus: UNANSWERED_BYTES,
    help: 'Bytes that the client sent.',
    only: 'sentBytes',
  },
  {
    name: 'lorikeet_edge_received_bytes_total',
    word: RECEIVED,
    plus: UNSEEN,
    help: 'Bytes that the client received.',
    only: 'receivedBytes',
  },
  {
    name: 'lorikeet_edge_connect_failures_total',
    word: CONNECT_FAILURES,
    help: "The client's failed connection attempts.",
    only: 'connectFailures',
  },
  {
    name: 'lorikeet_edge_unanswered_requests_total',
    word: UNANSWERED,
    help: 'Requests that the client abandoned, or whose connection broke before the response.',
    only: 'unansweredRequests',
  },
  {
    name: 'lorikeet_edge_responses_total',
    word: RESPONSES,
    help: 'Responses of HTTP and gRPC that the client received, where their status is counted.',
    only: 'responses',
  },
  {
    name: 'lorikeet_edge_failed_responses_total',
    word: FAILED,
    help: 'Responses of HTTP and gRPC that reported a fault of the server.',
    only: 'responses',
  },
] as const;
