import { existsSync, readFileSync } from 'node:fs';
import type { Logger } from '../daemon/logger.ts';
import { BpfError, BpfObject, defaultObjectPath, type BpfMap, type ProgramStats } from '../native/index.ts';
import type { CollectorName } from './config.ts';
import type { CounterMap } from './ledger.ts';
import { missingCapabilities } from './privileges.ts';

/** The machine lacks what BPF programs need; the message is for the user. */
export class RequirementError extends Error {
  readonly code = 'REQUIREMENT';
  override readonly name = 'RequirementError';
}

/** The kernel programs, and the collectors that show nothing true without them. */
const PROGRAMS: Readonly<Record<string, readonly CollectorName[]>> = {
  inet_sock_set_state: ['requests', 'connections', 'edges'],
  inet_sock_set_state_nested: ['requests', 'connections', 'edges'],
  sock_send_length: ['requests', 'edges'],
  sock_recv_length: ['requests', 'edges'],
};

/** What a program's place is taken by on a kernel that has no hook for it, whichever the object has for that kernel. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  sock_send_length: ['tcp_sendmsg'],
  sock_recv_length: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'],
};

/** Attached twice, so that an event that the kernel keeps from one of them reaches the other (bpf/tcp.bpf.c). */
const TWINS: ReadonlySet<string> = new Set(['inet_sock_set_state', 'inet_sock_set_state_nested']);

/** Without these, connections have no bytes, but everything else. */
const BYTES_PROGRAMS = ['sock_send_length', 'sock_recv_length'];

const KERNEL_COLLECTORS: readonly CollectorName[] = ['requests', 'connections', 'edges'];

/** Maps of 64-bit counters in the order of `enum lost_map` of bpf/lost.h. */
const LOST_MAPS = ['requests', 'edges', 'tcp', 'cgroups', 'sockets'] as const;

export interface ProbesOptions {
  readonly object: string | undefined;
  readonly maxServices: number;
  readonly maxEdges: number;
  readonly collectors: ReadonlySet<CollectorName>;
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
  readonly cgroups: BpfMap;
  /** Why a collector can't work on this kernel, by collector. */
  readonly unavailable: ReadonlyMap<CollectorName, Error>;
  /** Whether sent and received bytes are counted. */
  readonly bytes: boolean;
  /** What couldn't be counted since the start because a map was full or a program was busy, by map. */
  lost(): ReadonlyMap<string, number>;
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
  const wanted = KERNEL_COLLECTORS.some((name) => options.collectors.has(name));
  const object = BpfObject.open(options.object ?? defaultObjectPath(), {
    // A row for each role.
    maxEntries: {
      requests: 2 * options.maxServices,
      tcp: 2 * options.maxServices,
      cgroups: options.maxServices,
      edges: options.maxEdges,
    },
    constants: { track_edges: options.collectors.has('edges') ? 1 : 0 },
    disabled: wanted ? [] : Object.keys(PROGRAMS).flatMap((program) => [program, ...(VARIANTS[program] ?? [])]),
  });
  try {
    const missing = wanted ? attachAll(object, logger) : new Map<string, Error>();
    const lost = object.map('lost');
    return {
      requests: measured(object.map('requests')),
      edges: measured(object.map('edges')),
      tcp: measured(object.map('tcp')),
      cgroups: object.map('cgroups'),
      unavailable: unavailableCollectors(missing),
      bytes: !BYTES_PROGRAMS.some((program) => missing.has(program)),
      lost: () => addMissed(readLost(lost), object.programStats()),
      close: () => object.close(),
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

function attachAll(object: BpfObject, logger: Logger): ReadonlyMap<string, Error> {
  const missing = new Map<string, Error>();
  for (const program of Object.keys(PROGRAMS)) {
    try {
      object.attach(loadedVariant(object, program));
    } catch (error) {
      if (!(error instanceof BpfError) || error.code !== 'BPF_ATTACH') throw error;
      missing.set(program, error);
      logger.warn('kernel program not attached', { program, error });
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
    for (const collector of PROGRAMS[program] ?? []) unavailable.set(collector, error);
  }
  return unavailable;
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

function readLost(map: BpfMap): ReadonlyMap<string, number> {
  const { count, keys, words } = map.readSums();
  const lost = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const name = LOST_MAPS[keys.readUInt32LE(index * map.keySize)];
    if (name !== undefined) lost.set(name, words[index] ?? 0);
  }
  return lost;
}

/**
 * Adds what the kernel kept from a program that was at work on the same CPU. It does so where it may switch tasks within
 * a program (hooks on functions, preemptible kernels), and these programs write `requests` first of all.
 */
export function addMissed(
  lost: ReadonlyMap<string, number>,
  programs: readonly Pick<ProgramStats, 'name' | 'recursionMisses'>[],
): ReadonlyMap<string, number> {
  const missed = programs.reduce((sum, { name, recursionMisses }) => sum + (TWINS.has(name) ? 0 : recursionMisses), 0);
  return new Map([...lost, ['requests', (lost.get('requests') ?? 0) + missed]]);
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
