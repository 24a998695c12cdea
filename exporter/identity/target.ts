import type { DeclaredPort } from './declared-protocols.ts';
import type { PeerAddress } from './peers/addresses.ts';

/** One instance of a service, from a source. */
export interface Target {
  readonly namespace: string;
  readonly service: string;
  /** The instance's name, unique within its namespace and service. */
  readonly pod: string;
  /** Path below the cgroup2 mount, such as `/shop.slice/cart`; undefined when the instance runs on another machine. */
  readonly cgroup: string | undefined;
  /** Addresses that its peers use. */
  readonly addresses: readonly PeerAddress[];
  /** Ports whose protocol the user has declared. */
  readonly declared?: readonly DeclaredPort[];
  /** Set if it has ended, whether or not its cgroup still exists: it is kept for counts that no scrape has exported. */
  readonly ended?: true;
  /** Whether to export its series. `lorikeet_target_info` exists in any case. */
  readonly monitored: boolean;
  /** Kind of the owner, such as `Deployment`; `Static` for an entry of the targets file. */
  readonly workloadKind: string;
  readonly node: string;
}

/** A service as seen by a peer. */
export interface Peer extends Pick<Target, 'namespace' | 'service'> {
  /** True while another name is expected for it: its counts wait. */
  readonly pending?: boolean | undefined;
}

/** A source of targets: a file, or an orchestrator's API. */
export interface TargetSource {
  readonly name: string;
  /** The current targets. A new array after each change, otherwise the same one. */
  readonly targets: readonly Target[];
  /**
   * The service behind an address that belongs to no target; changes only with `targets`. `bytes` are the 16 bytes of
   * the address as a latin1 string. Undefined if the source only has the addresses of targets.
   */
  peer?(bytes: string, port: number): Peer | undefined;
  /** `true` once its targets are known; otherwise the reason. Undefined: always. */
  readonly ready?: true | string;
  /** Sets a callback that runs before each change of `targets`; undefined if the source has no such event. */
  beforeChange?(listener: () => void): void;
  /**
   * Reloads the targets. Rejects on failure, and keeps the last valid targets. Undefined if the source updates itself.
   */
  reload?(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** The unique key of an instance. */
export function targetKey(target: Pick<Target, 'namespace' | 'service' | 'pod'>): string {
  return `${target.namespace}\0${target.service}\0${target.pod}`;
}
