import type { Address, LoadConfig, ServiceConfig, TracesConfig } from '../protocol/process-config.ts';
import type { Topology } from '../topology/topology.ts';

export interface Places {
  readonly topology: Topology;
  readonly seed: number;
  /** The address of a service. */
  readonly host: (service: string) => string;
  /** The admin socket of a process. */
  readonly admin: (part: string) => string;
  /** The socket of the trace relay. */
  readonly traceSocket: string;
}

/** The configuration of each service. */
export function serviceConfigs(places: Places): ServiceConfig[] {
  const { topology, seed, host, admin } = places;
  const callees = calleesOf(places);
  const traces = tracesOf(places);
  return Object.entries(topology.services).map(([service, spec], index) => ({
    service,
    listen: { host: host(service), port: topology.port },
    admin: admin(service),
    callees,
    seed: seed + 100 + index,
    ...spec,
    ...(traces !== undefined && { traces }),
  }));
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

function calleesOf({ topology, host }: Places): Readonly<Record<string, Address>> {
  const { services, port } = topology;
  return Object.fromEntries(Object.keys(services).map((name) => [name, { host: host(name), port }]));
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
