import { performance } from 'node:perf_hooks';
import { unavailable, type Collector } from '../scrape/collector.ts';
import { type Config } from '../config.ts';
import { COLLECTOR_NAMES, type CollectorName } from './names.ts';
import type { Directory } from '../identity/directory.ts';
import { isUnified, type Hierarchy } from '../cgroups/hierarchy.ts';
import { absenceOf, type Probes } from '../kernel/probes.ts';
import type { SelfMetrics } from '../scrape/self-metrics.ts';
import { acceptQueuesCollector } from './accept-queues.ts';
import { cgroupCountersCollector, type CgroupCounterName } from './cgroup-counters.ts';
import { connectionsCollector } from './connections.ts';
import { containerCollector } from './container.ts';
import { edgesCollector } from './edges.ts';
import { httpStatusCollector } from './http-status.ts';
import { requestsCollector } from './requests.ts';
import { targetInfoCollector } from './target-info.ts';

export const NO_IO = new Error('the hierarchy of the io controller is not mounted beside the cgroup2 file system');

/** What collectors read from. */
export interface Parts {
  readonly directory: Directory;
  /** The targets in the hierarchy that the io controller is in; undefined where that can't be seen, or needn't. */
  readonly ioDirectory: Directory | undefined;
  /** The hierarchy that the memory controller is in; undefined where that can't be seen. */
  readonly memory: Hierarchy | undefined;
  readonly probes: Probes;
  readonly self: SelfMetrics;
}

/** The chosen collectors, in the order of /metrics; those that can't work on this machine say so at each scrape. */
export function makeCollectors(config: Config, parts: Parts): readonly Collector[] {
  const { directory, ioDirectory, memory, probes, self } = parts;
  const now = () => performance.now();
  const counters = (name: CgroupCounterName, of: Directory) =>
    cgroupCountersCollector(name, { directory: of, map: probes.cgroupCounters[name], now });
  const make: Readonly<Record<CollectorName, () => Collector>> = {
    requests: () => requestsCollector(directory, probes.requests, now),
    http_status: () => httpStatusCollector(directory, probes.httpResponses, now),
    connections: () =>
      connectionsCollector({
        directory,
        map: probes.tcp,
        now,
        counted: probes.counted.connections,
        onUnattributed: (connections) => self.unattributed(connections),
      }),
    edges: () =>
      edgesCollector({
        directory,
        map: probes.edges,
        now,
        counted: probes.counted.edges,
        maxExternalNames: config.maxExternalNames,
        maxEdges: config.maxEdges,
        onCut: () => self.externalPeerCut(),
      }),
    accept_queues: () =>
      acceptQueuesCollector({
        directory,
        map: probes.listeners,
        now,
        listening: () => probes.readListeners(),
        maxPorts: config.maxPorts,
        onCut: () => self.portCut(),
      }),
    container: () => containerCollector(directory, memory && !isUnified(memory) ? memory.root : undefined),
    page_faults: () => counters('page_faults', directory),
    block_requests: () =>
      ioDirectory === undefined ? unavailable('block_requests', NO_IO) : counters('block_requests', ioDirectory),
    process_events: () => counters('process_events', directory),
    syscalls: () => counters('syscalls', directory),
    target_info: () => targetInfoCollector(directory),
  };
  return COLLECTOR_NAMES.filter((name) => config.collectors.has(name)).map((name) => {
    const absence = absenceOf(name, probes);
    return absence === undefined ? make[name]() : unavailable(name, new Error(absence), true);
  });
}
