import { ALL } from '../kernel/needs.ts';
import { unavailable } from '../scrape/collector.ts';
import { cgroupCountersCollector, single, type CounterFamily } from './cgroup-counters.ts';
import { describeCollector } from './descriptor.ts';

/** In the order of the words of the kernel map `block_requests` (bpf/container.h). */
export const BLOCK_REQUESTS_FAMILIES: readonly CounterFamily[] = [
  single('lorikeet_container_block_requests_total', 'Requests issued to block devices.'),
];

export const NO_IO = 'the hierarchy of the io controller is not mounted next to the cgroup2 file system';

export const blockRequests = describeCollector({
  name: 'block_requests',
  shows: 'requests to block devices',
  programs: { block_rq_issue: ALL },
  maps: { block_requests: ({ maxServices }) => maxServices },
  lostSlot: 'block_requests',
  make({ ioDirectory: directory, probes, now }) {
    if (directory === undefined) return unavailable('block_requests', new Error(NO_IO));
    const map = probes.map('block_requests');
    return cgroupCountersCollector({ name: 'block_requests', families: BLOCK_REQUESTS_FAMILIES, directory, map, now });
  },
});
