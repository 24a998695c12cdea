import { ServiceCounts } from '../accounting/service-counts.ts';
import type { Directory } from '../identity/directory.ts';
import { unavailable, type Collector } from '../scrape/collector.ts';
import { acceptQueues } from './accept-queues.ts';
import { blockRequests } from './block-requests.ts';
import { connections } from './connections.ts';
import { container } from './container.ts';
import type { CollectorDescriptor, Parts } from './descriptor.ts';
import { edges } from './edges/edges.ts';
import { httpStatus } from './http-status.ts';
import { pageFaults } from './page-faults.ts';
import { processEvents } from './process-events.ts';
import { protocols } from './protocols.ts';
import { requests } from './requests.ts';
import { syscalls } from './syscalls.ts';
import { targetInfo } from './target-info.ts';
import { udp } from './udp.ts';

/** In the order of /metrics. */
const DESCRIPTORS = [
  requests,
  httpStatus,
  protocols,
  connections,
  edges,
  udp,
  acceptQueues,
  container,
  pageFaults,
  blockRequests,
  processEvents,
  syscalls,
  targetInfo,
] as const;

export type CollectorName = (typeof DESCRIPTORS)[number]['name'];
export const COLLECTORS: readonly CollectorDescriptor<CollectorName>[] = DESCRIPTORS;
export const COLLECTOR_NAMES: readonly CollectorName[] = COLLECTORS.map(({ name }) => name);

/** The descriptors of some collectors, in the order of /metrics. */
export function chosenCollectors(names: ReadonlySet<CollectorName>): readonly CollectorDescriptor<CollectorName>[] {
  return COLLECTORS.filter(({ name }) => names.has(name));
}

/** The reason why a collector with `hierarchy: 'io'` is unavailable. */
export const NO_IO = 'the hierarchy of the io controller is not mounted next to the cgroup2 file system';

/** The targets by hierarchy. */
export interface Directories {
  readonly unified: Directory;
  /** Undefined if it is not mounted or not needed. */
  readonly io: Directory | undefined;
}

/** The collectors, in the given order. Those unavailable on this machine fail at each scrape. */
export function makeCollectors(
  descriptors: readonly CollectorDescriptor[],
  { unified, io }: Directories,
  parts: Omit<Parts, 'directory' | 'services'>,
  absence: (collector: string) => string | undefined,
): readonly Collector[] {
  let counts: ServiceCounts | undefined;
  const services = () => (counts ??= new ServiceCounts(unified, parts.probes.map('services'), parts.now));
  return descriptors.map((descriptor) => {
    const { name, hierarchy } = descriptor;
    const reason = absence(name);
    if (reason !== undefined) return unavailable(name, new Error(reason), true);
    const directory = hierarchy === 'io' ? io : unified;
    return directory === undefined
      ? unavailable(name, new Error(NO_IO))
      : descriptor.make({ ...parts, directory, services });
  });
}
