import type { ServiceCounts } from '../accounting/service-counts.ts';
import type { Directory } from '../identity/directory.ts';
import type { LoopbackListeners } from '../identity/peers/loopback.ts';
import type { Listener } from '../kernel/listeners.ts';
import type { KernelNeeds } from '../kernel/needs.ts';
import type { Probes } from '../kernel/probes.ts';
import type { Collector } from '../scrape/collector.ts';

/** Inputs of the collectors. */
export interface Parts {
  /** The targets in the collector's hierarchy. */
  readonly directory: Directory;
  /** Requests and connections of the targets in cgroup v2. */
  readonly services: () => ServiceCounts;
  readonly loopback: LoopbackListeners;
  /** The listening sockets as of the start of this scrape. */
  readonly listening: () => readonly Listener[];
  /** The directory of the memory controller's hierarchy, if that is version 1. */
  readonly memoryRoot: string | undefined;
  readonly probes: Pick<Probes, 'map' | 'counted' | 'expireQueries'>;
  readonly limits: SeriesLimits;
  /** True if responses are counted by status, which the collector http_status enables. */
  readonly countsStatus: boolean;
  readonly omissions: Omissions;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface SeriesLimits {
  /** Maximum number of external peers with a name of their own. */
  readonly maxExternalNames: number;
  /** Maximum number of edges with series of their own. */
  readonly maxEdges: number;
  /** Maximum number of listening ports of an instance with series of their own. */
  readonly maxPorts: number;
}

export interface Omissions {
  /** At each scrape: open connections of cgroups that belong to no target. */
  unattributed(connections: number): void;
  /** For each peer counted as `other` because of a limit. */
  externalPeerCut(): void;
  /** For each port counted as `other` because of a limit. */
  portCut(): void;
}

/** A family whose series are words of a kernel map's value. */
export interface CounterFamily {
  readonly name: string;
  readonly help: string;
  /** The label of each series, in the order of the words; one empty label if there is only one series. */
  readonly labels: readonly string[];
}

/** Describes a collector. To add one, add a descriptor and list it in all.ts. */
export interface CollectorDescriptor<Name extends string = string> extends KernelNeeds {
  readonly name: Name;
  /** The collected data, for the help text. */
  readonly shows: string;
  /** The reason why it is disabled by default; undefined: it is enabled. */
  readonly offBecause?: string;
  /** Set if its kernel map is keyed by cgroups of the io controller's hierarchy instead of cgroup v2. */
  readonly hierarchy?: 'io';
  /** Set if it is a collector of counters by cgroup (cgroup-counters.ts). */
  readonly families?: readonly CounterFamily[];
  make(parts: Parts): Collector;
}

/** Keeps the name as a literal type. */
export function describeCollector<const Name extends string>(
  descriptor: CollectorDescriptor<Name>,
): CollectorDescriptor<Name> {
  return descriptor;
}
