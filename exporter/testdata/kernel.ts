import { addressBytes } from '../identity/addresses.ts';
import { acceptQueuesCollector, LISTENER_WORDS } from '../collectors/accept-queues.ts';
import { COLLECTORS, type CollectorName } from '../collectors/all.ts';
import { cgroupCountersCollector, countWords } from '../collectors/cgroup-counters.ts';
import { connectionsCollector, TCP_WORDS } from '../collectors/connections.ts';
import { EDGE_WORDS, edgesCollector } from '../collectors/edges.ts';
import { HTTP_WORDS, httpStatusCollector } from '../collectors/http-status.ts';
import { requestsCollector } from '../collectors/requests.ts';
import { targetInfoCollector } from '../collectors/target-info.ts';
import { LoopbackListeners } from '../identity/loopback.ts';
import type { Collector } from '../scrape/collector.ts';
import { Exposition } from '../scrape/exposition.ts';
import { HISTOGRAM_WORDS } from '../scrape/histogram.ts';
import type { Listener } from '../kernel/listeners.ts';
import { cgroupKey, edgeKey, listenerKey, MemoryMap, serviceKey } from './memory-map.ts';
import { Tree } from './tree.ts';

/** The words of a histogram at word `offset`: `count` durations in bucket `bucket`, `sumNs` in total. */
export function durations(offset: number, bucket: number, count: number, sumNs: number): Record<number, number> {
  return { [offset]: sumNs, [offset + 1 + bucket]: count };
}

/** The collectors of counters by cgroup. */
const CGROUP_COUNTERS = COLLECTORS.flatMap(({ name, families }) =>
  families === undefined ? [] : [{ name, families }],
);
/** Series of a target in all of them. */
export const CGROUP_COUNTER_SERIES = CGROUP_COUNTERS.reduce((sum, { families }) => sum + countWords(families), 0);

/** All collectors of kernel maps, with maps and a clock controlled by the test. */
export class Kernel {
  readonly tree = new Tree();
  readonly requests = new MemoryMap('requests', 16, HISTOGRAM_WORDS);
  readonly httpResponses = new MemoryMap('http_responses', 16, HTTP_WORDS);
  readonly tcp = new MemoryMap('tcp', 16, TCP_WORDS);
  readonly edges = new MemoryMap('edges', 32, EDGE_WORDS);
  readonly listeners = new MemoryMap('listeners', 16, LISTENER_WORDS);
  readonly cgroupCounters = new Map(
    CGROUP_COUNTERS.map(({ name, families }) => [name, new MemoryMap(name, 8, countWords(families))]),
  );
  /** The listening sockets. */
  listening: readonly Omit<Listener, 'netns'>[] = [];
  readonly loopback = new LoopbackListeners();
  unattributed = 0;
  portCuts = 0;
  cuts = 0;
  now = 0;
  readonly #collectors: readonly Collector[];

  constructor(
    limits: {
      readonly maxExternalNames?: number;
      readonly maxEdges?: number;
      readonly bytes?: boolean;
      readonly maxPorts?: number;
    } = {},
  ) {
    const { directory } = this.tree;
    const now = () => this.now;
    const { maxExternalNames = 100, maxEdges = 1000, bytes = true, maxPorts = 20 } = limits;
    this.#collectors = [
      requestsCollector(directory, this.requests, now),
      httpStatusCollector(directory, this.httpResponses, now),
      connectionsCollector({
        directory,
        map: this.tcp,
        now,
        counted: { sentBytes: bytes, receivedBytes: bytes, retransmits: true, resets: true },
        onUnattributed: (count) => (this.unattributed = count),
      }),
      edgesCollector({
        directory,
        loopback: this.loopback,
        map: this.edges,
        now,
        counted: {
          requests: bytes,
          sentBytes: bytes,
          receivedBytes: bytes,
          connectFailures: true,
          unansweredRequests: bytes,
        },
        maxExternalNames,
        maxEdges,
        onCut: () => this.cuts++,
      }),
      acceptQueuesCollector({
        directory,
        map: this.listeners,
        now,
        listening: () => this.listening.map((listener) => ({ netns: 0, ...listener })),
        maxPorts,
        onCut: () => this.portCuts++,
      }),
      ...CGROUP_COUNTERS.map(({ name, families }) =>
        cgroupCountersCollector({ name, families, directory, map: this.cgroupCounter(name), now }),
      ),
      targetInfoCollector(directory),
    ];
    directory.onForget(() => {
      for (const collector of this.#collectors) collector.book?.();
    });
  }

  countRequests(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.requests.count(serviceKey(cgroup, role), words);
  }

  countResponses(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.httpResponses.count(serviceKey(cgroup, role), words);
  }

  countTcp(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.tcp.count(serviceKey(cgroup, role), words);
  }

  countEdge(cgroup: bigint, address: string, port: number, words: Record<number, number>, netns = 0): void {
    this.edges.count(edgeKey(cgroup, addressBytes(address) as string, port, netns), words);
  }

  countDrops(cgroup: bigint, port: number, drops: number): void {
    this.listeners.count(listenerKey(cgroup, port), { 0: drops });
  }

  cgroupCounter(name: CollectorName): MemoryMap {
    return this.cgroupCounters.get(name) as MemoryMap;
  }

  countOf(name: CollectorName, cgroup: bigint, words: Record<number, number>): void {
    this.cgroupCounter(name).count(cgroupKey(cgroup), words);
  }

  /** One scrape. */
  async text(): Promise<string> {
    this.tree.directory.refresh(this.now);
    const out = new Exposition();
    for (const collector of this.#collectors) await collector.collect(out);
    this.tree.directory.exported(this.now);
    return out.toString();
  }

  /** The values of one scrape by series, limited to those that start with `prefix`. */
  async samples(prefix: string): Promise<Record<string, number>> {
    const lines = (await this.text()).split('\n').filter((line) => line.startsWith(prefix));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  close(): void {
    this.tree.close();
  }
}
