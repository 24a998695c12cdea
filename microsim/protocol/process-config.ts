import type { LoadSettings } from './load-pattern.ts';
import type { Route } from './route.ts';

/*
 * What the controller tells its processes, each in a JSON file that is their only argument. Checked
 * already when the topology was read. Where there is no controller, as on Kubernetes, the files are generated.
 */

/**
 * The socket on which a process is spoken to where nobody gives it a path: Linux' abstract one of its network namespace,
 * which is in no file system and so is never left behind.
 */
export const DEFAULT_ADMIN = '\0lorikeet-sim';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ServiceConfig {
  readonly service: string;
  readonly listen: Address;
  /** The UNIX socket on which the service takes faults and tells its counts. */
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
  /** Begins at once, rather than when it is told to. */
  readonly autostart?: boolean;
  readonly requests: readonly { readonly name: string; readonly weight: number; readonly route: Route }[];
}
