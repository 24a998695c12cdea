import type { PeerAddress } from './addresses.ts';

/** One instance of a service, as a source describes it. */
export interface Target {
  readonly namespace: string;
  readonly service: string;
  /** The instance's name, unique within its namespace and service. */
  readonly pod: string;
  /** Path below the cgroup2 mount, such as `/shop.slice/cart`; undefined when the instance runs on another machine. */
  readonly cgroup: string | undefined;
  /** How its peers see it. */
  readonly addresses: readonly PeerAddress[];
  /** Whether its series are wanted; its existence is told either way. */
  readonly monitored: boolean;
  /** Kind of the owner, such as `Deployment`; `Static` for an entry of the targets file. */
  readonly workloadKind: string;
  readonly node: string;
}

/** A service as it is seen from outside. */
export type Peer = Pick<Target, 'namespace' | 'service'>;

/** Something that knows targets: a file, an orchestrator's API. */
export interface TargetSource {
  readonly name: string;
  /** The targets known now. A new array whenever anything changed, the same one otherwise. */
  readonly targets: readonly Target[];
  /**
   * The service behind an address that is no target's; it changes with `targets` only. `bytes` are the 16 bytes of the
   * address as a latin1 string. Undefined where targets' addresses are all that is known.
   */
  peer?(bytes: string, port: number): Peer | undefined;
  /** Sets what is called each time before `targets` become others; undefined where that isn't told. */
  beforeChange?(listener: () => void): void;
  /** Reads everything anew; undefined where the source needs no asking. Rejects when that fails, and keeps the last good targets. */
  reload?(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** What tells one instance from all others. */
export function targetKey(target: Pick<Target, 'namespace' | 'service' | 'pod'>): string {
  return `${target.namespace}\0${target.service}\0${target.pod}`;
}
