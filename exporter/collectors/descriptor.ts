import type { Directory } from '../identity/directory.ts';
import type { KernelNeeds } from '../kernel/needs.ts';
import type { Probes } from '../kernel/probes.ts';
import type { Collector } from '../scrape/collector.ts';

/** What collectors read from, and whom they tell of what they leave out. */
export interface Parts {
  readonly directory: Directory;
  /** The targets in the hierarchy that the io controller is in; undefined where that can't be seen, or needn't. */
  readonly ioDirectory: Directory | undefined;
  /** The directory of the memory controller's hierarchy, where that is one of version 1. */
  readonly memoryRoot: string | undefined;
  readonly probes: Pick<Probes, 'map' | 'counted' | 'readListeners'>;
  readonly limits: SeriesLimits;
  readonly omissions: Omissions;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface SeriesLimits {
  /** External peers with a name of their own. */
  readonly maxExternalNames: number;
  /** Edges with series of their own. */
  readonly maxEdges: number;
  /** Listening ports of an instance with series of their own. */
  readonly maxPorts: number;
}

export interface Omissions {
  /** At each scrape: how many connections are open in cgroups that are nobody's. */
  unattributed(connections: number): void;
  /** For each peer that is counted as `other` because of a limit. */
  externalPeerCut(): void;
  /** For each port that is. */
  portCut(): void;
}

/** All that there is to say of a collector: adding one is adding one of these, and naming it in all.ts. */
export interface CollectorDescriptor<Name extends string = string> extends KernelNeeds {
  readonly name: Name;
  /** What it collects, for people. */
  readonly shows: string;
  /** Why it is off by default; undefined: it is on. */
  readonly offBecause?: string;
  make(parts: Parts): Collector;
}

/** Keeps the name as a literal type. */
export function describeCollector<const Name extends string>(
  descriptor: CollectorDescriptor<Name>,
): CollectorDescriptor<Name> {
  return descriptor;
}
