import { NAMESPACE } from './pod-counts.ts';
import type { Store } from './store.ts';

/** The counters of calls from one service to another, as the client sees them. */
export interface EdgeCounts {
  requests: number;
  seconds: number;
  sentBytes: number;
  receivedBytes: number;
  connectFailures: number;
  unanswered: number;
  /** Of `requests`, those whose status is counted, and those that report a fault of the server. */
  responses: number;
  failedResponses: number;
}

/** Adds the series of an edge that any feature of rules/features.yaml or features-http-status.yaml reads. They stay as long as the store. */
export function addEdge(store: Store, client: string, server: string, port: number): EdgeCounts {
  const labels = {
    client_namespace: NAMESPACE,
    client_service: client,
    server_namespace: NAMESPACE,
    server_service: server,
    server_port: `${port}`,
  };
  const counts: EdgeCounts = {
    requests: 0,
    seconds: 0,
    sentBytes: 0,
    receivedBytes: 0,
    connectFailures: 0,
    unanswered: 0,
    responses: 0,
    failedResponses: 0,
  };
  const add = (name: string, read: () => number) => store.add(`lorikeet_edge_${name}`, labels, read);
  add('requests_total', () => counts.requests);
  add('request_duration_seconds_sum', () => counts.seconds);
  add('request_duration_seconds_count', () => counts.requests);
  add('sent_bytes_total', () => counts.sentBytes);
  add('received_bytes_total', () => counts.receivedBytes);
  add('connect_failures_total', () => counts.connectFailures);
  add('unanswered_requests_total', () => counts.unanswered);
  add('responses_total', () => counts.responses);
  add('failed_responses_total', () => counts.failedResponses);
  return counts;
}
