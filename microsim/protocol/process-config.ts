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

export interface ServiceConfig {
  readonly service: string;
  readonly listen: Address;
  /** The UNIX socket on which the service accepts faults and serves its counts. */
  readonly admin: string;
  readonly callees: Readonly<Record<string, Address>>;
  readonly seed: number;
  readonly wait_ms: number;
  readonly wait_spread: number;
  readonly cpu_ms: number;
  readonly response_bytes: number;
  readonly timeout_ms: number;
  readonly max_concurrent: number;
}

export interface LoadConfig {
  readonly admin: string;
  readonly callees: Readonly<Record<string, Address>>;
  readonly seed: number;
  readonly settings: LoadSettings;
  /** Starts immediately, without `POST /start`. */
  readonly autostart?: boolean;
  readonly requests: readonly { readonly name: string; readonly weight: number; readonly route: Route }[];
}
