import snappy from 'snappyjs';
import {
  CHANNELS,
  EDGE_SERIES,
  type Feature,
  type FeatureSet,
  SERVICE_SERIES,
} from '../../scorer/features/features.ts';
import { ProtobufWriter } from '../../daemon/wire/protobuf.ts';
import type { ServiceName } from '../../scorer/identity/service-key.ts';
import { Random } from '../../scorer/numeric/random.ts';
import type { KnownFleet } from '../../test/scorer/learned-state.ts';

type Labels = Readonly<Record<string, string>>;

interface SyntheticSeries {
  /** In the order required by remote write. */
  readonly labels: readonly (readonly [string, string])[];
  readonly usual: number;
}

export interface SyntheticFleet extends KnownFleet {
  readonly series: readonly SyntheticSeries[];
}

/** Number of callees of each service. */
const CALLS = 2;
const SERVICES_A_NAMESPACE = 50;
/** Series per request. */
const SERIES_A_REQUEST = 5000;

/** Features of a service with moderate load; the others are 1. */
const USUAL: Readonly<Record<string, number>> = {
  request_rate: 40,
  request_latency: 0.02,
  request_latency_p90: 0.05,
  call_rate: 80,
  call_latency: 0.01,
  received_bytes_per_request: 500,
  sent_bytes_per_request: 4000,
  connections_active: 20,
  connect_failure_rate: 0,
  memory_bytes: 2e8,
  cpu_cores: 0.3,
  cpu_seconds_per_request: 0.008,
  failure_rate: 0,
};

/** A fleet of services with all features in all channels, and edges between them. */
export function syntheticFleet(set: FeatureSet, count: number): SyntheticFleet {
  const services = Array.from({ length: count }, (_, index) => ({
    namespace: `team-${Math.floor(index / SERVICES_A_NAMESPACE)}`,
    service: `service-${String(index).padStart(5, '0')}`,
  }));
  const edges = services.flatMap((client, index) =>
    Array.from({ length: CALLS }, (_, call) => [client, services[(index * 7 + call + 1) % count] ?? client] as const),
  );
  const usual = ({ name }: Feature) => USUAL[name] ?? 1;
  const series = [
    ...services.flatMap((name) => serviceSeries(set, name, usual)),
    ...edges.flatMap(([client, server]) => edgeSeries(set, client, server, usual)),
  ];
  return { services, edges, usual, series };
}

function serviceSeries(set: FeatureSet, name: ServiceName, usual: KnownFleet['usual']): SyntheticSeries[] {
  return set.features.flatMap((feature) =>
    CHANNELS.map((channel) => ({
      labels: sorted({ __name__: SERVICE_SERIES, ...name, feature: feature.name, channel }),
      usual: usual(feature),
    })),
  );
}

function edgeSeries(
  set: FeatureSet,
  client: ServiceName,
  server: ServiceName,
  usual: KnownFleet['usual'],
): SyntheticSeries[] {
  return set.edges.map((feature) => ({
    labels: sorted({
      __name__: EDGE_SERIES,
      client_namespace: client.namespace,
      client_service: client.service,
      server_namespace: server.namespace,
      server_service: server.service,
      feature: feature.name,
    }),
    usual: usual(feature),
  }));
}

function sorted(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Writes the fleet's series for the steps from `from` to `to`, inclusive, as recording rules would have: usual values
 * with 10 % noise. Sends many steps in a request, because its labels dominate its cost.
 */
export async function writeSteps(
  url: string,
  { series }: SyntheticFleet,
  { from, to, intervalMs }: { readonly from: number; readonly to: number; readonly intervalMs: number },
): Promise<void> {
  const random = new Random(from);
  for (let start = 0; start < series.length; start += SERIES_A_REQUEST) {
    const writer = new ProtobufWriter(1 << 20);
    for (const { labels, usual } of series.slice(start, start + SERIES_A_REQUEST)) {
      writer.message(1, (timeSeries) => {
        for (const [name, value] of labels) timeSeries.message(1, (label) => label.string(1, name).string(2, value));
        for (let step = from; step <= to; step++) {
          const value = usual * (0.9 + 0.2 * random.uniform());
          timeSeries.message(2, (sample) => sample.double(1, value).varint(2, step * intervalMs));
        }
      });
    }
    await post(url, snappy.compress(writer.finish()));
  }
}

async function post(url: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' },
    body: body as Uint8Array<ArrayBuffer>,
  });
  if (!response.ok) throw new Error(`remote write: ${response.status} ${await response.text()}`);
}
