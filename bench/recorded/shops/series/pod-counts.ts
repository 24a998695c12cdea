import { BOUNDS } from '../laws/answers.ts';
import type { Store } from './store.ts';

/** The counters and gauges of a pod, as the exporter has them; seconds and bytes. */
export interface PodCounts {
  readonly server: { requests: number; seconds: number; readonly buckets: number[]; opened: number; active: number };
  readonly client: { requests: number; seconds: number; opened: number; active: number };
  receivedBytes: number;
  sentBytes: number;
  /** Responses of HTTP by class. */
  readonly responses: { ok: number; failed: number };
  refusedConnects: number;
  cpuSeconds: number;
  memoryBytes: number;
}

export interface PodIdentity {
  readonly service: string;
  readonly pod: string;
  readonly node: string;
  readonly workloadKind: string;
  /** True if its responses are HTTP in clear text, whose status is counted. */
  readonly speaksHttp: boolean;
}

export const NAMESPACE = 'shop';

/** A scraped pod. */
export interface Pod {
  readonly counts: PodCounts;
  /** The pod is gone. */
  readonly end: () => void;
}

/**
 * Adds the series of a pod that features of services in rules/features.yaml or features-http-status.yaml read, with the
 * exporter's names and labels.
 */
export function addPod(store: Store, identity: PodIdentity): Pod {
  const { service, pod, node, workloadKind, speaksHttp } = identity;
  const labels = { namespace: NAMESPACE, service, pod };
  const counts: PodCounts = {
    server: { requests: 0, seconds: 0, buckets: Array<number>(BOUNDS.length + 1).fill(0), opened: 0, active: 0 },
    client: { requests: 0, seconds: 0, opened: 0, active: 0 },
    receivedBytes: 0,
    sentBytes: 0,
    responses: { ok: 0, failed: 0 },
    refusedConnects: 0,
    cpuSeconds: 0,
    memoryBytes: 0,
  };
  const ends: (() => void)[] = [];
  const add = (name: string, further: Readonly<Record<string, string>>, read: () => number) =>
    ends.push(store.add(`lorikeet_${name}`, { ...labels, ...further }, read));
  for (const role of ['client', 'server'] as const) {
    const of = counts[role];
    add('requests_total', { role }, () => of.requests);
    add('request_duration_seconds_sum', { role }, () => of.seconds);
    add('request_duration_seconds_count', { role }, () => of.requests);
    add('tcp_connections_opened_total', { role }, () => of.opened);
    add('tcp_connections_active', { role }, () => of.active);
  }
  addBuckets(counts.server.buckets, (le, read) => add('request_duration_seconds_bucket', { role: 'server', le }, read));
  add('tcp_received_bytes_total', { role: 'server' }, () => counts.receivedBytes);
  add('tcp_sent_bytes_total', { role: 'server' }, () => counts.sentBytes);
  add('tcp_connect_failures_total', { reason: 'refused' }, () => counts.refusedConnects);
  if (speaksHttp) {
    add('http_responses_total', { role: 'server', class: '2xx' }, () => counts.responses.ok);
    add('http_responses_total', { role: 'server', class: '5xx' }, () => counts.responses.failed);
  }
  add('container_cpu_seconds_total', {}, () => counts.cpuSeconds);
  add('container_memory_bytes', {}, () => counts.memoryBytes);
  add('target_info', { monitored: 'true', workload_kind: workloadKind, node }, () => 1);
  return { counts, end: () => ends.forEach((end) => end()) };
}

/** A histogram's cumulative buckets. */
function addBuckets(buckets: readonly number[], add: (le: string, read: () => number) => void): void {
  for (const index of buckets.keys()) {
    const bound = BOUNDS[index];
    add(bound === undefined ? '+Inf' : `${bound}`, () => {
      let sum = 0;
      for (let at = 0; at <= index; at++) sum += buckets[at]!;
      return sum;
    });
  }
}
