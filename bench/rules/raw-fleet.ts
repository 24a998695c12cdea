import type { Sample } from '../../scorer/output/remote-write/sample.ts';

type Labels = Readonly<Record<string, string>>;

/** Upper bounds of the exporter's histograms in seconds: powers of two of a nanosecond, and infinity. */
const BOUNDS = [...Array.from({ length: 22 }, (_, power) => String(2 ** (14 + power) / 1e9)), '+Inf'];
const REASONS = ['refused', 'timeout', 'reset', 'unreachable', 'other'];
const CALLS_EACH = 4;

/** All series of a fleet that the shipped rules read, from exporter and scorer, after a number of seconds. */
export function rawFleet(services: number, seconds: number, timestampMs: number): Sample[] {
  const samples: Sample[] = [];
  const add = (name: string, labels: Labels, value: number) => void samples.push({ name, labels, value, timestampMs });
  for (let index = 0; index < services; index++) {
    const service = { namespace: 'fleet', service: `service-${index}`, pod: `service-${index}-0` };
    const rate = 5 + (index % 50);
    const total = rate * seconds;
    for (const role of ['server', 'client']) addRole(add, { ...service, role }, total);
    for (const reason of REASONS) add('lorikeet_tcp_connect_failures_total', { ...service, reason }, 0);
    add('lorikeet_container_cpu_seconds_total', service, total / 1000);
    add('lorikeet_container_memory_bytes', service, 5e7 + index);
    add('lorikeet_target_info', { ...service, monitored: 'true', workload_kind: 'Deployment', node: 'node-0' }, 1);
    add(
      'anomaly_score',
      { namespace: 'fleet', service: service.service, detector: 'autoencoder' },
      index < 5 ? 2 : 0.2,
    );
    for (let call = 0; call < CALLS_EACH; call++) addCall(add, index, (index * 3 + call * 37 + 1) % services, total);
  }
  return samples;
}

type Add = (name: string, labels: Labels, value: number) => void;

function addRole(add: Add, labels: Labels, total: number): void {
  add('lorikeet_requests_total', labels, total);
  add('lorikeet_request_duration_seconds_sum', labels, total * 0.02);
  add('lorikeet_request_duration_seconds_count', labels, total);
  BOUNDS.forEach((le, bound) =>
    add('lorikeet_request_duration_seconds_bucket', { ...labels, le }, total * Math.min(1, bound / 15)),
  );
  add('lorikeet_request_client_wait_seconds_total', labels, total * 0.0001);
  add('lorikeet_tcp_sent_bytes_total', labels, total * 900);
  add('lorikeet_tcp_received_bytes_total', labels, total * 300);
  add('lorikeet_tcp_connections_active', labels, 8);
  add('lorikeet_tcp_connections_opened_total', labels, total / 50);
}

function addCall(add: Add, client: number, server: number, total: number): void {
  const labels = {
    client_namespace: 'fleet',
    client_service: `service-${client}`,
    server_namespace: 'fleet',
    server_service: `service-${server}`,
    server_port: '8080',
  };
  add('lorikeet_edge_requests_total', labels, total / CALLS_EACH);
  add('lorikeet_edge_request_duration_seconds_sum', labels, total * 0.005);
  add('lorikeet_edge_request_duration_seconds_count', labels, total / CALLS_EACH);
  add('lorikeet_edge_request_client_wait_seconds_total', labels, total * 0.0001);
  add('lorikeet_edge_received_bytes_total', labels, total * 200);
  add('lorikeet_edge_connect_failures_total', labels, 0);
  add('lorikeet_edge_unanswered_requests_total', labels, 0);
}
