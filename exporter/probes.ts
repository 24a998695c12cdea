import { existsSync, readFileSync } from 'node:fs';
import type { Logger } from '../daemon/logger.ts';
import { BpfError, BpfObject, defaultObjectPath, type BpfMap, type ProgramStats } from '../native/index.ts';
import type { CgroupCounterName } from './collectors/cgroup-counters.ts';
import type { Counted } from './collectors/connections.ts';
import type { CollectorName } from './config.ts';
import type { CounterMap } from './ledger.ts';
import { missingCapabilities } from './privileges.ts';

/** The machine lacks what BPF programs need; the message is for the user. */
export class RequirementError extends Error {
  readonly code = 'REQUIREMENT';
  override readonly name = 'RequirementError';
}

interface Program {
  /** The collectors that show nothing true without it. */
  readonly vital: readonly CollectorName[];
  /** Those that show less without it. */
  readonly useful?: readonly CollectorName[];
  /** Whether it sees the packets of cgroups; it is attached to the root, and so to all. */
  readonly ofCgroups?: boolean;
}

const SOCKET_COLLECTORS: readonly CollectorName[] = [
  'requests',
  'http_status',
  'connections',
  'edges',
  'accept_queues',
];
const CONNECTIONS_ONLY: Program = { vital: [], useful: ['connections'] };
const HTTP_STATUS_ONLY: Program = { vital: ['http_status'], ofCgroups: true };

/** The kernel programs, in the order in which they are attached. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  inet_sock_set_state: { vital: SOCKET_COLLECTORS },
  inet_sock_set_state_nested: { vital: SOCKET_COLLECTORS },
  sock_send_length: { vital: ['requests', 'edges'], useful: ['connections'] },
  sock_recv_length: { vital: ['requests', 'edges'], useful: ['connections'] },
  http_egress: HTTP_STATUS_ONLY,
  http_ingress: HTTP_STATUS_ONLY,
  tcp_retransmit_skb: CONNECTIONS_ONLY,
  tcp_retransmit_synack: CONNECTIONS_ONLY,
  tcp_send_reset: CONNECTIONS_ONLY,
  tcp_send_reset_nested: CONNECTIONS_ONLY,
  tcp_receive_reset: CONNECTIONS_ONLY,
  tcp_receive_reset_nested: CONNECTIONS_ONLY,
  page_fault_user: { vital: ['page_faults'] },
  block_rq_issue: { vital: ['block_requests'] },
  sched_process_fork: { vital: ['process_events'] },
  sched_process_exec: { vital: ['process_events'] },
  sched_process_exit: { vital: ['process_events'] },
  sys_enter: { vital: ['syscalls'] },
  walk_sockets: { vital: ['accept_queues'], useful: ['connections'] },
  adopt_sockets: { vital: [], useful: SOCKET_COLLECTORS },
};

/** What a program's place is taken by on a kernel that has no hook for it, whichever the object has for that kernel. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  sock_send_length: ['tcp_sendmsg'],
  sock_recv_length: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'],
};

/** Attached twice, so that an event that the kernel keeps from one of them reaches the other (bpf/tcp.bpf.c). */
const TWINS: ReadonlySet<string> = new Set([
  'inet_sock_set_state',
  'inet_sock_set_state_nested',
  'tcp_send_reset',
  'tcp_send_reset_nested',
  'tcp_receive_reset',
  'tcp_receive_reset_nested',
]);

/** What connections have only with these programs. */
const COUNTED_BY: Readonly<Record<keyof Counted, readonly string[]>> = {
  bytes: ['sock_send_length', 'sock_recv_length'],
  roundTrips: ['walk_sockets'],
  retransmits: ['tcp_retransmit_skb', 'tcp_retransmit_synack'],
  resets: ['tcp_send_reset', 'tcp_send_reset_nested', 'tcp_receive_reset', 'tcp_receive_reset_nested'],
};

/** The slots of the map `lost` in the order of `enum lost_map` of bpf/lost.h: maps, then events that are nobody's. */
const LOST_MAPS = [
  'requests',
  'edges',
  'tcp',
  'cgroups',
  'sockets',
  'listeners',
  'syscalls',
  'page_faults',
  'block_requests',
  'process_events',
  'block_cgroups',
  'http_responses',
] as const;
const UNATTRIBUTED_EVENTS = ['reset', 'block_request'] as const;

/** The map in which a program's misses are missing; of the others that is `requests`, which they write first of all. */
const MISSED_IN: Readonly<Record<string, (typeof LOST_MAPS)[number]>> = {
  page_fault_user: 'page_faults',
  block_rq_issue: 'block_requests',
  sched_process_fork: 'process_events',
  sched_process_exec: 'process_events',
  sched_process_exit: 'process_events',
  sys_enter: 'syscalls',
};

export interface ProbesOptions {
  readonly object: string | undefined;
  /** Where cgroup2 is mounted. */
  readonly cgroupfs: string;
  readonly maxServices: number;
  readonly maxEdges: number;
  readonly collectors: ReadonlySet<CollectorName>;
  /** The id of the hierarchy of cgroups that the io controller is in, or one that no hierarchy has. */
  readonly ioHierarchy: number;
}

/** A kernel map that remembers how many rows it had when it was read last. */
export interface MeasuredMap extends CounterMap {
  readonly capacity: number;
  readonly entries: number | undefined;
}

/** The loaded and attached kernel programs. */
export interface Probes {
  readonly requests: MeasuredMap;
  readonly edges: MeasuredMap;
  readonly tcp: MeasuredMap;
  readonly listeners: MeasuredMap;
  /** Those keyed by cgroup alone, by the collector that shows them. */
  readonly cgroupCounters: Readonly<Record<CgroupCounterName, MeasuredMap>>;
  readonly httpResponses: MeasuredMap;
  readonly cgroups: BpfMap;
  /** The same for the ids of `block_requests`, which are of the hierarchy that the io controller is in. */
  readonly blockCgroups: BpfMap;
  /** Why a collector can't work on this kernel, by collector. */
  readonly unavailable: ReadonlyMap<CollectorName, Error>;
  readonly counted: Counted;
  /** Passes over all open sockets; undefined where that isn't possible. The rows of `struct listener_row` of bpf/tcp.h. */
  readonly walk: (() => Promise<Buffer>) | undefined;
  /** Begins to follow the sockets of processes that are older than the programs, once. A failure is logged. */
  adopt(): Promise<void>;
  /** What couldn't be counted since the start because a map was full or a program was busy, by map. */
  lost(): ReadonlyMap<string, number>;
  /** Events since the start that belong to nobody, by kind. */
  unattributed(): ReadonlyMap<string, number>;
  close(): void;
}

/**
 * Loads the object file and attaches its programs. A program that this kernel has no hook for costs the collectors
 * that need it, and nothing else.
 *
 * @throws RequirementError when BTF or capabilities are missing; BpfError when the object can't be loaded at all.
 */
export function openProbes(options: ProbesOptions, logger: Logger): Probes {
  checkRequirements();
  const wanted = Object.keys(PROGRAMS).filter((program) => isWanted(program, options.collectors));
  const object = BpfObject.open(options.object ?? defaultObjectPath(), {
    // A row for each role.
    maxEntries: {
      requests: 2 * options.maxServices,
      tcp: 2 * options.maxServices,
      listeners: 2 * options.maxServices,
      http_responses: options.collectors.has('http_status') ? 2 * options.maxServices : 1,
      cgroups: options.maxServices,
      syscalls: options.maxServices,
      page_faults: options.maxServices,
      block_requests: options.maxServices,
      block_cgroups: options.maxServices,
      process_events: options.maxServices,
      edges: options.maxEdges,
    },
    constants: { track_edges: options.collectors.has('edges') ? 1 : 0, io_hierarchy: options.ioHierarchy },
    disabled: Object.keys(PROGRAMS)
      .filter((program) => !wanted.includes(program))
      .flatMap((program) => [program, ...(VARIANTS[program] ?? [])]),
    // Those of cgroups are off in the object, as loading them takes a capability more.
    enabled: wanted.filter((program) => PROGRAMS[program]?.ofCgroups === true),
  });
  try {
    const missing = attachAll(object, wanted, options, logger);
    const works = (program: string): boolean => wanted.includes(program) && !missing.has(program);
    const lost = object.map('lost');
    return {
      requests: measured(object.map('requests')),
      edges: measured(object.map('edges')),
      tcp: measured(object.map('tcp')),
      listeners: measured(object.map('listeners')),
      cgroupCounters: {
        syscalls: measured(object.map('syscalls')),
        page_faults: measured(object.map('page_faults')),
        block_requests: measured(object.map('block_requests')),
        process_events: measured(object.map('process_events')),
      },
      httpResponses: measured(object.map('http_responses')),
      cgroups: object.map('cgroups'),
      blockCgroups: object.map('block_cgroups'),
      unavailable: unavailableCollectors(missing),
      counted: {
        bytes: COUNTED_BY.bytes.every(works),
        roundTrips: COUNTED_BY.roundTrips.every(works),
        retransmits: COUNTED_BY.retransmits.every(works),
        resets: COUNTED_BY.resets.every(works),
      },
      walk: works('walk_sockets') ? () => object.readIterator('walk_sockets') : undefined,
      adopt: () => adopt(object, works, logger),
      lost: () => addMissed(readLost(lost, 0, LOST_MAPS), object.programStats()),
      unattributed: () => readLost(lost, LOST_MAPS.length, UNATTRIBUTED_EVENTS),
      close: () => object.close(),
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

function isWanted(program: string, collectors: ReadonlySet<CollectorName>): boolean {
  const { vital = [], useful = [] } = PROGRAMS[program] ?? {};
  return [...vital, ...useful].some((name) => collectors.has(name));
}

function attachAll(
  object: BpfObject,
  programs: readonly string[],
  { cgroupfs, collectors }: ProbesOptions,
  logger: Logger,
): ReadonlyMap<string, Error> {
  const missing = new Map<string, Error>();
  for (const program of programs) {
    const { ofCgroups = false, useful = [] } = PROGRAMS[program] ?? {};
    try {
      object.attach(loadedVariant(object, program), ofCgroups ? cgroupfs : undefined);
    } catch (error) {
      if (!(error instanceof BpfError) || error.code !== 'BPF_ATTACH') throw error;
      missing.set(program, error);
      // The collectors that can't do without it say so themselves.
      if (useful.some((name) => collectors.has(name))) logger.warn('kernel program not attached', { program, error });
    }
  }
  return missing;
}

/** The program itself if none is loaded: attaching it says so. */
function loadedVariant(object: BpfObject, program: string): string {
  return [program, ...(VARIANTS[program] ?? [])].find((name) => object.programs.includes(name)) ?? program;
}

function unavailableCollectors(missing: ReadonlyMap<string, Error>): ReadonlyMap<CollectorName, Error> {
  const unavailable = new Map<CollectorName, Error>();
  for (const [program, error] of missing) {
    for (const collector of PROGRAMS[program]?.vital ?? []) unavailable.set(collector, error);
  }
  return unavailable;
}

async function adopt(object: BpfObject, works: (program: string) => boolean, logger: Logger): Promise<void> {
  if (!works('adopt_sockets')) return;
  try {
    await object.readIterator('adopt_sockets');
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    logger.warn(
      'listening ports that are older than the exporter will not be shown, older connections only once used',
      {
        error,
      },
    );
  }
}

function measured(map: BpfMap): MeasuredMap {
  let entries: number | undefined;
  return {
    name: map.name,
    keySize: map.keySize,
    valueSize: map.valueSize,
    capacity: map.capacity,
    get entries() {
      return entries;
    },
    readSums() {
      const rows = map.readSums();
      entries = rows.count;
      return rows;
    },
    delete: (key) => map.delete(key),
  };
}

/** The slots from `first` on, by the names given. An array's rows come in the order of their keys. */
function readLost(map: BpfMap, first: number, names: readonly string[]): ReadonlyMap<string, number> {
  const { words } = map.readSums();
  return new Map(names.map((name, index) => [name, words[first + index] ?? 0]));
}

/**
 * Adds what the kernel kept from a program that was at work on the same CPU. It does so where it may switch tasks within
 * a program (hooks on functions, preemptible kernels), and where an interrupt brings the same event.
 */
export function addMissed(
  lost: ReadonlyMap<string, number>,
  programs: readonly Pick<ProgramStats, 'name' | 'recursionMisses'>[],
): ReadonlyMap<string, number> {
  const sums = new Map(lost);
  for (const { name, recursionMisses } of programs) {
    if (TWINS.has(name)) continue;
    const map = MISSED_IN[name] ?? 'requests';
    sums.set(map, (sums.get(map) ?? 0) + recursionMisses);
  }
  return sums;
}

const BTF_PATH = '/sys/kernel/btf/vmlinux';

/** @throws RequirementError saying in one line what is missing. */
function checkRequirements(): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'latin1'));
  if (missing.length > 0) {
    throw new RequirementError(
      `missing ${missing.join(' and ')}: run as root, or grant ${missing.length > 1 ? 'them' : 'it'}`,
    );
  }
  if (!existsSync(BTF_PATH)) {
    throw new RequirementError(`no ${BTF_PATH}: a kernel built with CONFIG_DEBUG_INFO_BTF is needed`);
  }
}
