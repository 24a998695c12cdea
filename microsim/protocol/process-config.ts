import type { LoadSettings } from './load-pattern.ts';
import type { Route } from './route.ts';

/*
 * Configuration of the processes, each in a JSON file that is the process' only argument. Already validated with
 * the topology. Without a controller, as on Kubernetes, the files are generated.
 */

/**
 * The default admin socket of a process, an abstract UNIX socket of its network namespace: it is in no file system, so
 * nothing is left behind.
 */
export const DEFAULT_ADMIN = '\0lorikeet-sim';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a service is called. */
export interface CalleeAddress extends Address {
  /** Hosts of its other replicas, on the same port; callers take turns. */
  readonly others?: readonly string[];
}

/** Where a service sends its spans. */
export interface TracesConfig {
  /** Complete URL of OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** UNIX socket to connect to, whatever the host in `url`: the network of a service has no way out. */
  readonly socket?: string;
  /** Share of the traces that are sampled, decided by the service that has the first span; 0..1. */
  readonly share: number;
  /** Value of the resource attribute `k8s.namespace.name`. */
  readonly namespace: string;
}

export interface ServiceConfig {
  readonly service: string;
  readonly listen: Address;
  /** The UNIX socket on which the service accepts faults and serves its counts. */
  readonly admin: string;
  readonly callees: Readonly<Record<string, CalleeAddress>>;
  readonly seed: number;
  readonly wait_ms: number;
  readonly wait_spread: number;
  readonly cpu_ms: number;
  readonly response_bytes: number;
  readonly timeout_ms: number;
  readonly max_concurrent: number;
  /** Absent: no spans. */
  readonly traces?: TracesConfig;
}

export interface LoadConfig {
  readonly admin: string;
  readonly callees: Readonly<Record<string, CalleeAddress>>;
  readonly seed: number;
  readonly settings: LoadSettings;
  /** Starts immediately, without `POST /start`. */
  readonly autostart?: boolean;
  /** The path of a request is its name, so that spans show it. */
  readonly paths?: boolean;
  readonly requests: readonly { readonly name: string; readonly weight: number; readonly route: Route }[];
}
