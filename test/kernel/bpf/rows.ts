import type { BpfMap, BpfObject } from '../../../native/index.ts';

/** The layouts of bpf/*.h, decoded independently of the exporter, to detect errors in its decoder. */

export type Role = 'client' | 'server';

export interface Histogram {
  readonly count: number;
  readonly sumNs: number;
  readonly buckets: readonly number[];
}

export interface TcpRow {
  readonly opened: number;
  readonly closed: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** refused, timeout, reset, unreachable, other */
  readonly connectFailures: readonly number[];
  readonly connect: Histogram;
  readonly lifetime: Histogram;
  readonly roundTrip: Histogram;
  readonly retransmitted: number;
  /** sent, received */
  readonly resets: readonly number[];
  readonly adopted: number;
  readonly unseenBytes: number;
}

export interface ListenerRow {
  readonly port: number;
  readonly length: number;
  readonly limit: number;
}

export interface EdgeRow {
  readonly address: string;
  readonly port: number;
  readonly requests: Histogram;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly connectFailures: number;
  readonly unanswered: number;
  /** Those whose status is counted, and those of them that failed. */
  readonly responses: readonly number[];
  readonly unseenBytes: number;
  readonly clientWaitNs: number;
}

const ROLES = { client: 1, server: 2 } as const;
const BUCKETS = 23;
/** Words of the requests in a row of `services`; those of the connections follow. */
const REQUEST_WORDS = 4 + BUCKETS;

/** Undefined if none was counted. */
export function requestsOf(bpf: BpfObject, cgroup: bigint, role: Role): Histogram | undefined {
  const words = findService(bpf.map('services'), cgroup, role)?.subarray(0, REQUEST_WORDS);
  return words?.some(Boolean) ? requestHistogram(words, 1 + BUCKETS) : undefined;
}

/** The part of the durations that waited for the client. */
export function clientWaitOf(bpf: BpfObject, cgroup: bigint, role: Role): number {
  return findService(bpf.map('services'), cgroup, role)?.[3 + BUCKETS] ?? 0;
}

/** Undefined if nothing was counted. */
export function tcpOf(bpf: BpfObject, cgroup: bigint, role: Role): TcpRow | undefined {
  const words = findService(bpf.map('services'), cgroup, role)?.subarray(REQUEST_WORDS);
  if (!words?.some(Boolean)) return undefined;
  return {
    opened: words[0] ?? 0,
    closed: words[1] ?? 0,
    sentBytes: (words[2] ?? 0) + (words[17 + 3 * BUCKETS] ?? 0),
    receivedBytes: words[3] ?? 0,
    connectFailures: Array.from(words.subarray(4, 9)),
    connect: histogram(words, 9),
    lifetime: histogram(words, 10 + BUCKETS),
    roundTrip: histogram(words, 11 + 2 * BUCKETS),
    retransmitted: words[12 + 3 * BUCKETS] ?? 0,
    resets: Array.from(words.subarray(13 + 3 * BUCKETS, 15 + 3 * BUCKETS)),
    adopted: words[15 + 3 * BUCKETS] ?? 0,
    unseenBytes: words[16 + 3 * BUCKETS] ?? 0,
  };
}

export function edgesOf(bpf: BpfObject, cgroup: bigint): EdgeRow[] {
  return rowsOf(bpf.map('edges'))
    .filter(({ key }) => key.readBigUInt64LE(0) === cgroup)
    .map(({ key, words }) => ({
      address: key.toString('hex', 8, 24),
      port: key.readUInt16LE(24),
      requests: requestHistogram(words, 6 + BUCKETS),
      sentBytes: (words[1 + BUCKETS] ?? 0) + (words[10 + BUCKETS] ?? 0),
      receivedBytes: words[2 + BUCKETS] ?? 0,
      connectFailures: words[3 + BUCKETS] ?? 0,
      unanswered: words[4 + BUCKETS] ?? 0,
      unseenBytes: words[5 + BUCKETS] ?? 0,
      responses: [...words.subarray(8 + BUCKETS, 10 + BUCKETS)],
      clientWaitNs: words[11 + BUCKETS] ?? 0,
    }));
}

/** Numbers of the protocols of the cgroup's connections, a row each. */
export function protocolsOf(bpf: BpfObject, cgroup: bigint): Readonly<Record<Role, readonly number[]>> {
  const of = (map: string, offset: number) =>
    rowsOf(bpf.map(map))
      .filter(({ key }) => key.readBigUInt64LE(0) === cgroup)
      .map(({ key }) => key.readUInt16LE(offset))
      .toSorted((a, b) => a - b);
  return { client: of('edge_protocols', 26), server: of('port_protocols', 10) };
}

export interface UdpRow {
  readonly sentDatagrams: number;
  readonly receivedDatagrams: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export function udpOf(bpf: BpfObject, cgroup: bigint, role: Role): UdpRow | undefined {
  const words = findService(bpf.map('udp'), cgroup, role);
  if (words === undefined) return undefined;
  const [sentDatagrams = 0, receivedDatagrams = 0, sentBytes = 0, receivedBytes = 0] = words;
  return { sentDatagrams, receivedDatagrams, sentBytes, receivedBytes };
}

export interface UdpEdgeRow {
  readonly requests: Histogram;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly unanswered: number;
  readonly overlapping: number;
  readonly unexpected: number;
}

/** By the server's address, in hexadecimal digits, and its port. */
export function udpEdgesOf(bpf: BpfObject, cgroup: bigint): Record<string, UdpEdgeRow> {
  const rows = rowsOf(bpf.map('udp_edges')).filter(({ key }) => key.readBigUInt64LE(0) === cgroup);
  return Object.fromEntries(
    rows.map(({ key, words }) => [
      `${key.toString('hex', 8, 24)}:${key.readUInt16LE(24)}`,
      {
        requests: histogram(words, 0),
        sentBytes: words[1 + BUCKETS] ?? 0,
        receivedBytes: words[2 + BUCKETS] ?? 0,
        unanswered: words[3 + BUCKETS] ?? 0,
        overlapping: words[4 + BUCKETS] ?? 0,
        unexpected: words[5 + BUCKETS] ?? 0,
      },
    ]),
  );
}

/** HTTP responses by status class, 1xx to 5xx. */
export function responsesOf(bpf: BpfObject, cgroup: bigint, role: Role): number[] | undefined {
  const words = findService(bpf.map('http_responses'), cgroup, role);
  return words && [...words];
}

/** gRPC responses by code, without the codes that did not occur. */
export function grpcOf(bpf: BpfObject, cgroup: bigint, role: Role): Record<number, number> | undefined {
  const words = findService(bpf.map('grpc_responses'), cgroup, role);
  return words && Object.fromEntries([...words.entries()].filter(([, count]) => count > 0));
}

/** Runs the program that reads the accept queues, and returns those of the cgroup. */
export function listenersOf(bpf: BpfObject, cgroup: bigint): ListenerRow[] {
  bpf.run('read_accept_queues');
  const { count, values } = bpf.map('accept_queues').read();
  return Array.from({ length: count }, (_, i) => values.subarray(i * 32, (i + 1) * 32))
    .filter((row) => row.readBigUInt64LE(0) === cgroup)
    .map((row) => ({ port: row.readUInt16LE(8), length: row.readUInt32LE(16), limit: row.readUInt32LE(20) }));
}

/** Connections dropped by the cgroup's listeners, by port. */
export function dropsOf(bpf: BpfObject, cgroup: bigint): Record<number, number> {
  const rows = rowsOf(bpf.map('listeners')).filter(({ key }) => key.readBigUInt64LE(0) === cgroup);
  return Object.fromEntries(rows.map(({ key, words }) => [key.readUInt16LE(8), words[0] ?? 0]));
}

/** Ids of the cgroup's ancestors, nearest first, or undefined if it has no row. */
export function ancestorsOf(bpf: BpfObject, cgroup: bigint): bigint[] | undefined {
  const map = bpf.map('cgroups');
  const { count, keys, values } = map.read();
  for (let row = 0; row < count; row++) {
    if (keys.readBigUInt64LE(row * map.keySize) !== cgroup) continue;
    const value = values.subarray(row * map.valueSize, (row + 1) * map.valueSize);
    const ids = Array.from({ length: 12 }, (_, i) => value.readBigUInt64LE(i * 8));
    return ids.filter((id) => id !== 0n);
  }
  return undefined;
}

export interface SyscallsRow {
  readonly all: number;
  readonly mmaps: number;
  readonly opens: number;
}

export interface ProcessEventsRow {
  readonly fork: number;
  readonly exec: number;
  readonly exit: number;
  readonly oomKill: number;
}

export function syscallsOf(bpf: BpfObject, cgroup: bigint): SyscallsRow {
  const [all = 0, mmaps = 0, opens = 0] = countsOf(bpf, 'syscalls', cgroup);
  return { all, mmaps, opens };
}

export function pageFaultsOf(bpf: BpfObject, cgroup: bigint): number {
  return countsOf(bpf, 'page_faults', cgroup)[0] ?? 0;
}

/** The id is that in the hierarchy of the io controller. */
export function blockRequestsOf(bpf: BpfObject, cgroup: bigint): number {
  return countsOf(bpf, 'block_requests', cgroup)[0] ?? 0;
}

export function processEventsOf(bpf: BpfObject, cgroup: bigint): ProcessEventsRow {
  const [fork = 0, exec = 0, exit = 0, oomKill = 0] = countsOf(bpf, 'process_events', cgroup);
  return { fork, exec, exit, oomKill };
}

/** The words of a map keyed by cgroup; empty if the cgroup has no row. */
export function countsOf(bpf: BpfObject, map: string, cgroup: bigint): Float64Array {
  return rowsOf(bpf.map(map)).find(({ key }) => key.readBigUInt64LE(0) === cgroup)?.words ?? new Float64Array();
}

/** Events for which no row of the map could be made. */
export function lostOf(bpf: BpfObject, map: string): number {
  return bpf.map(`lost_${map}`).readSums().words[0] ?? NaN;
}

export function unattributedOf(
  bpf: BpfObject,
  event: 'reset' | 'block_request' | 'datagram' | 'dns_message' | 'http_status' | 'grpc_status',
): number {
  return bpf.map(`unattributed_${event}`).readSums().words[0] ?? NaN;
}

/** Requests without a duration, see bpf/shared/unseen.bpf.h. */
export function unseenRequestsOf(bpf: BpfObject): number {
  return bpf.map('unseen_requests').readSums().words[0] ?? NaN;
}

/** True if any map of socket activity has a row of this cgroup. */
export function isCounted(bpf: BpfObject, cgroup: bigint): boolean {
  const seen = (name: string) => rowsOf(bpf.map(name)).some(({ key }) => key.readBigUInt64LE(0) === cgroup);
  return ['services', 'edges'].some(seen);
}

function findService(map: BpfMap, cgroup: bigint, role: Role): Float64Array | undefined {
  return rowsOf(map).find(({ key }) => key.readBigUInt64LE(0) === cgroup && key.readUInt32LE(8) === ROLES[role])?.words;
}

function rowsOf(map: BpfMap): { key: Buffer; words: Float64Array }[] {
  const { count, keys, words } = map.readSums();
  const width = map.valueSize / 8;
  return Array.from({ length: count }, (_, row) => ({
    key: keys.subarray(row * map.keySize, (row + 1) * map.keySize),
    words: words.subarray(row * width, (row + 1) * width),
  }));
}

/** Counts requests without a duration as well: `late` is the word of those that have begun, then come those measured. */
function requestHistogram(words: Float64Array, late: number): Histogram {
  const { count, ...rest } = histogram(words, 0);
  return { count: count + (words[late] ?? 0) - (words[late + 1] ?? 0), ...rest };
}

function histogram(words: Float64Array, at: number): Histogram {
  const buckets = [...words.subarray(at + 1, at + 1 + BUCKETS)];
  return { count: buckets.reduce((sum, n) => sum + n, 0), sumNs: words[at] ?? 0, buckets };
}
