import type { CalleeAddress, LoadConfig, ServiceConfig, TracesConfig } from '../protocol/process-config.ts';
import { replicasOf } from '../topology/replicas.ts';
import type { Topology } from '../topology/topology.ts';

export interface Places {
  readonly topology: Topology;
  readonly seed: number;
  /** The address of a replica. */
  readonly host: (replica: string) => string;
  /** The admin socket of a process. */
  readonly admin: (part: string) => string;
  /** The socket of the trace relay. */
  readonly traceSocket: string;
}

/** The configuration of each replica, by name. */
export function serviceConfigs(places: Places): (readonly [string, ServiceConfig])[] {
  const { topology, seed, host, admin } = places;
  const callees = calleesOf(places);
  const traces = tracesOf(places);
  return replicasOf(topology.services).map(({ name, service }, index) => {
    const { replicas: _, ...spec } = topology.services[service]!;
    const config: ServiceConfig = {
      service,
      listen: { host: host(name), port: topology.port },
      admin: admin(name),
      callees,
      seed: seed + 100 + index,
      ...spec,
      ...(traces !== undefined && { traces }),
    };
    return [name, config];
  });
}

/** The configuration of the load generator, whose name is `part`. */
export function loadConfig(places: Places, part: string): LoadConfig {
  const { topology, seed, admin } = places;
  return {
    admin: admin(part),
    callees: calleesOf(places),
    seed,
    settings: topology.load,
    requests: topology.requests,
    ...(topology.traces !== undefined && { paths: true }),
  };
}

function calleesOf({ topology, host }: Places): Readonly<Record<string, CalleeAddress>> {
  const { services, port } = topology;
  const hosts = new Map<string, string[]>();
  for (const { name, service } of replicasOf(services)) hosts.set(service, [...(hosts.get(service) ?? []), host(name)]);
  return Object.fromEntries(
    [...hosts].map(([service, [first = '', ...others]]) => [
      service,
      { host: first, port, ...(others.length > 0 && { others }) },
    ]),
  );
}

function tracesOf({ topology, traceSocket }: Places): TracesConfig | undefined {
  if (topology.traces === undefined) return undefined;
  const { endpoint, share } = topology.traces;
  return { url: tracesUrl(endpoint), socket: traceSocket, share, namespace: topology.namespace };
}

/** The URL for spans below an OTLP endpoint, as OpenTelemetry's SDKs make it. */
export function tracesUrl(endpoint: string): string {
  return endpoint.replace(/\/+$/, '').replace(/(\/v1\/traces)?$/, '/v1/traces');
}
