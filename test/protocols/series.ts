import type { Exporter } from '../exporter/program.ts';

/** The exporter's series of one service in one role. */
export interface Reported {
  readonly requests: number;
  readonly sumSeconds: number;
  /** Cumulative counts by upper bound in seconds, in ascending order. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
  readonly connections: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The exporter's series of a stage. */
export interface Snapshot {
  readonly client: Reported;
  readonly server: Reported;
  /** Requests of all edges of the client. */
  readonly edgeRequests: number;
  readonly unanswered: number;
  /** Names of protocols with requests or connections, if a label has them. */
  readonly protocols: readonly string[];
  /** Responses to the server's clients, by HTTP class or gRPC code; empty if they are not counted. */
  readonly responses: Readonly<Record<string, number>>;
  /** Totals of the series that say what is not measured, by name. */
  readonly said: Readonly<Record<string, number>>;
}

/** Series by which the exporter says that something is not measured as requests. Those of the exporter itself are about
 * all services: they may grow because of other stages. */
const SAYING = /message|unmeasured|splice|mptcp|lost_events_total/;
/** The label `map` of lost events: those of other maps are no requests. */
const LOST_REQUESTS = [undefined, 'services'];

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export async function readSnapshot(exporter: Exporter, client: string, server: string): Promise<Snapshot> {
  const samples = Object.entries(await exporter.samples('lorikeet_'));
  const named = new Map<string, Sample[]>();
  for (const [line, value] of samples) {
    const name = line.split('{', 1)[0] ?? '';
    const labels = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text ?? '']));
    named.set(name, [...(named.get(name) ?? []), { labels, value }]);
  }
  /** Sums over all labels that `wanted` does not name: a protocol, for example. */
  const select = (name: string, wanted: Readonly<Record<string, string>>) =>
    (named.get(name) ?? []).filter(({ labels }) => Object.entries(wanted).every(([key, text]) => labels[key] === text));
  const sum = (name: string, wanted: Readonly<Record<string, string>>) =>
    select(name, wanted).reduce((total, { value }) => total + value, 0);
  const roleOf = (service: string, role: string): Reported => {
    const of = { service, role };
    return {
      requests: sum('lorikeet_requests_total', of),
      sumSeconds: sum('lorikeet_request_duration_seconds_sum', of),
      buckets: bucketsOf(select('lorikeet_request_duration_seconds_bucket', of)),
      connections: sum('lorikeet_tcp_connections_opened_total', of),
      sentBytes: sum('lorikeet_tcp_sent_bytes_total', of),
      receivedBytes: sum('lorikeet_tcp_received_bytes_total', of),
    };
  };
  const edges = { client_service: client };
  const ours = ({ labels }: Sample) =>
    [labels['service'], labels['client_service']].some((name) => name === client || name === server);
  const protocols = [...named.values()]
    .flat()
    .filter((sample) => ours(sample) && sample.value > 0 && sample.labels['protocol'] !== undefined);
  const saying = [...named].filter(([name]) => SAYING.test(name));
  return {
    client: roleOf(client, 'client'),
    server: roleOf(server, 'server'),
    edgeRequests: sum('lorikeet_edge_requests_total', edges),
    unanswered: sum('lorikeet_edge_unanswered_requests_total', edges),
    responses: responsesOf(select, server),
    protocols: [...new Set(protocols.map(({ labels }) => labels['protocol'] ?? ''))].sort(),
    said: Object.fromEntries(saying.map(([name, of]) => [name, totalOf(name, of, ours)])),
  };
}

function responsesOf(
  select: (name: string, wanted: Readonly<Record<string, string>>) => readonly Sample[],
  service: string,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of ['lorikeet_http_responses_total', 'lorikeet_grpc_responses_total']) {
    for (const { labels, value } of select(name, { service, role: 'server' })) {
      const key = labels['code'] ?? labels['class'] ?? '';
      counts[key] = (counts[key] ?? 0) + value;
    }
  }
  return counts;
}

function totalOf(name: string, samples: readonly Sample[], ours: (sample: Sample) => boolean): number {
  const counted = name.startsWith('lorikeet_exporter_')
    ? samples.filter(({ labels }) => LOST_REQUESTS.includes(labels['map']))
    : samples.filter(ours);
  return counted.reduce((total, { value }) => total + value, 0);
}

function bucketsOf(samples: readonly Sample[]): Reported['buckets'] {
  const counts = new Map<number, number>();
  for (const { labels, value } of samples) {
    const bound = Number(labels['le']?.replace('+Inf', 'Infinity'));
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** What happened between two snapshots. */
export function difference(after: Snapshot, before: Snapshot): Snapshot {
  return {
    client: subtract(after.client, before.client),
    server: subtract(after.server, before.server),
    edgeRequests: after.edgeRequests - before.edgeRequests,
    unanswered: after.unanswered - before.unanswered,
    responses: grown(after.responses, before.responses),
    protocols: after.protocols,
    said: grown(after.said, before.said),
  };
}

const grown = (after: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(after).map(([name, total]) => [name, total - (before[name] ?? 0)]));

function subtract(after: Reported, before: Reported): Reported {
  const earlier = new Map(before.buckets);
  return {
    requests: after.requests - before.requests,
    sumSeconds: after.sumSeconds - before.sumSeconds,
    buckets: after.buckets.map(([bound, count]) => [bound, count - (earlier.get(bound) ?? 0)]),
    connections: after.connections - before.connections,
    sentBytes: after.sentBytes - before.sentBytes,
    receivedBytes: after.receivedBytes - before.receivedBytes,
  };
}
