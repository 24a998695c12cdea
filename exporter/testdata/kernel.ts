import { addressBytes } from '../identity/peers/addresses.ts';
import { acceptQueuesCollector, LISTENER_WORDS } from '../collectors/accept-queues.ts';
import { COLLECTORS, type CollectorName } from '../collectors/all.ts';
import { cgroupCountersCollector, countWords } from '../collectors/cgroup-counters.ts';
import { connectionsCollector, OPENED, SERVICE_WORDS } from '../collectors/connections.ts';
import { EDGE_WORDS } from '../accounting/edge-counters.ts';
import { ServiceCounts } from '../accounting/service-counts.ts';
import { edgesCollector } from '../collectors/edges/edges.ts';
import { GRPC_WORDS, HTTP_WORDS, httpStatusCollector } from '../collectors/http-status.ts';
import { protocolsCollector } from '../collectors/protocols.ts';
import { requestsCollector } from '../collectors/requests.ts';
import { targetInfoCollector } from '../collectors/target-info.ts';
import { UDP_EDGE_WORDS, UDP_WORDS, udpCollector } from '../collectors/udp.ts';
import { LoopbackListeners } from '../identity/peers/loopback.ts';
import type { Collector } from '../scrape/collector.ts';
import type { Exposition } from '../scrape/exposition.ts';
import { TextExposition } from '../scrape/text-exposition.ts';
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

interface Limits {
  readonly maxExternalNames?: number;
  readonly maxEdges?: number;
  readonly bytes?: boolean;
  readonly maxPorts?: number;
  readonly status?: boolean;
}

/** All collectors of kernel maps, with maps and a clock controlled by the test. */
export class Kernel {
  readonly tree = new Tree();
  readonly services = new MemoryMap('services', 16, SERVICE_WORDS);
  readonly httpResponses = new MemoryMap('http_responses', 16, HTTP_WORDS);
  readonly grpcResponses = new MemoryMap('grpc_responses', 16, GRPC_WORDS);
  readonly edges = new MemoryMap('edges', 32, EDGE_WORDS);
  readonly portProtocols = new MemoryMap('port_protocols', 16, 1);
  readonly edgeProtocols = new MemoryMap('edge_protocols', 32, 1);
  readonly udp = new MemoryMap('udp', 16, UDP_WORDS);
  readonly udpEdges = new MemoryMap('udp_edges', 32, UDP_EDGE_WORDS);
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
  /** Calls to expire DNS queries. */
  expired = 0;
  now = 0;
  readonly #collectors: readonly Collector[];

  constructor(limits: Limits = {}) {
    const { directory } = this.tree;
    const now = () => this.now;
    const { bytes = true, maxPorts = 20 } = limits;
    const services = new ServiceCounts(directory, this.services, now);
    this.#collectors = [
      requestsCollector(services),
      httpStatusCollector({ directory, map: this.httpResponses, grpc: this.grpcResponses, now }),
      protocolsCollector({
        directory,
        map: this.portProtocols,
        now,
        maxPorts,
        onCut: () => this.portCuts++,
      }),
      connectionsCollector({
        directory,
        services,
        counted: { sentBytes: bytes, receivedBytes: bytes, retransmits: true, resets: true },
        onUnattributed: (count) => (this.unattributed = count),
      }),
      ...this.#edgeCollectors(limits),
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

  #edgeCollectors(limits: Limits): readonly Collector[] {
    const { maxExternalNames = 100, maxEdges = 1000, bytes = true, status = true } = limits;
    const common = {
      directory: this.tree.directory,
      loopback: this.loopback,
      now: () => this.now,
      maxExternalNames,
      maxEdges,
      onCut: () => this.cuts++,
    };
    return [
      edgesCollector({
        ...common,
        map: this.edges,
        protocols: this.edgeProtocols,
        counted: {
          requests: bytes,
          sentBytes: bytes,
          receivedBytes: bytes,
          connectFailures: true,
          unansweredRequests: bytes,
          responses: status,
        },
      }),
      udpCollector({ ...common, map: this.udp, edges: this.udpEdges, expireQueries: () => this.expired++ }),
    ];
  }

  countRequests(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.services.count(serviceKey(cgroup, role), words);
  }

  countResponses(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.httpResponses.count(serviceKey(cgroup, role), words);
  }

  countGrpc(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.grpcResponses.count(serviceKey(cgroup, role), words);
  }

  /** `words` are those of `struct tcp_stats`. */
  countTcp(cgroup: bigint, role: number, words: Record<number, number>): void {
    const inRow = Object.entries(words).map(([word, count]) => [OPENED + Number(word), count]);
    this.services.count(serviceKey(cgroup, role), Object.fromEntries(inRow));
  }

  countEdge(cgroup: bigint, address: string, port: number, words: Record<number, number>, netns = 0): void {
    this.edges.count(edgeKey(cgroup, addressBytes(address) as string, port, netns), words);
  }

  countPortProtocol(cgroup: bigint, port: number, protocol: number, connections: number): void {
    const key = listenerKey(cgroup, port);
    key.writeUInt16LE(protocol, 10);
    this.portProtocols.count(key, { 0: connections });
  }

  countEdgeProtocol(
    cgroup: bigint,
    address: string,
    port: number,
    protocol: number,
    connections: number,
    netns = 0,
  ): void {
    const key = edgeKey(cgroup, addressBytes(address) as string, port, netns);
    key.writeUInt16LE(protocol, 26);
    this.edgeProtocols.count(key, { 0: connections });
  }

  countUdp(cgroup: bigint, role: number, words: Record<number, number>): void {
    this.udp.count(serviceKey(cgroup, role), words);
  }

  countUdpEdge(cgroup: bigint, address: string, port: number, words: Record<number, number>, netns = 0): void {
    this.udpEdges.count(edgeKey(cgroup, addressBytes(address) as string, port, netns), words);
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
  async scrape<E extends Exposition>(out: E): Promise<E> {
    this.tree.directory.refresh(this.now);
    for (const collector of this.#collectors) await collector.collect(out);
    this.tree.directory.exported(this.now);
    return out;
  }

  async text(): Promise<string> {
    return (await this.scrape(new TextExposition())).toString();
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
