import { unavailable, type Collector } from '../scrape/collector.ts';
import { acceptQueues } from './accept-queues.ts';
import { blockRequests } from './block-requests.ts';
import { connections } from './connections.ts';
import { container } from './container.ts';
import type { CollectorDescriptor, Parts } from './descriptor.ts';
import { edges } from './edges.ts';
import { httpStatus } from './http-status.ts';
import { pageFaults } from './page-faults.ts';
import { processEvents } from './process-events.ts';
import { requests } from './requests.ts';
import { syscalls } from './syscalls.ts';
import { targetInfo } from './target-info.ts';

/** In the order of /metrics. */
const DESCRIPTORS = [
  requests,
  httpStatus,
  connections,
  edges,
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

/** The collectors, in the given order. Those unavailable on this machine fail at each scrape. */
export function makeCollectors(
  descriptors: readonly CollectorDescriptor[],
  parts: Parts,
  absence: (collector: string) => string | undefined,
): readonly Collector[] {
  return descriptors.map((descriptor) => {
    const reason = absence(descriptor.name);
    return reason === undefined ? descriptor.make(parts) : unavailable(descriptor.name, new Error(reason), true);
  });
}
