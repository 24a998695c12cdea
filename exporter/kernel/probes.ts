import { existsSync, readFileSync } from 'node:fs';
import { describeError, type Logger } from '../../daemon/logger.ts';
import { BpfError, BpfObject, defaultObjectPath, type BpfMap } from '../../native/index.ts';
import type { CgroupCounterName } from '../collectors/cgroup-counters.ts';
import { COLLECTOR_NAMES, type CollectorName } from '../collectors/names.ts';
import type { CounterMap } from '../accounting/ledger.ts';
import { readListeners, type Listener } from './listeners.ts';
import { addMissed, lostEvents, unattributedEvents } from './lost-events.ts';
import { missingCapabilities } from './privileges.ts';
import {
  countedFamilies,
  healthOf,
  PROGRAM_NAMES,
  programOf,
  serves,
  SOCKET_COLLECTORS,
  type CollectorHealth,
  type Counted,
  type ProgramName,
} from './programs.ts';
import { logRefusal, type Refusal } from './refusal.ts';

/** The machine lacks what BPF programs need; the message is for the user. */
export class RequirementError extends Error {
  readonly code = 'REQUIREMENT';
  override readonly name = 'RequirementError';
}

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
  /** The programs that the chosen collectors use, and whether each runs. */
  readonly programs: ReadonlyMap<ProgramName, boolean>;
  readonly refusals: readonly Refusal[];
  /** What is left of each of the chosen collectors. */
  readonly health: ReadonlyMap<CollectorName, CollectorHealth>;
  readonly counted: Counted;
  /** The map of the listening sockets, as `readListeners` saw it last. */
  readonly acceptQueues: Pick<MeasuredMap, 'name' | 'entries' | 'capacity'>;
  /** The listening sockets of this moment; books their drops. */
  readListeners(): readonly Listener[];
  /** Begins to follow the sockets of processes that are older than the programs, once. A failure is logged. */
  adopt(): Promise<void>;
  /** What couldn't be counted since the start because a map was full or a program was busy, by map. */
  lost(): ReadonlyMap<string, number>;
  /** Events since the start that belong to nobody, by kind. */
  unattributed(): ReadonlyMap<string, number>;
  close(): void;
}

/**
 * Loads the object file and attaches its programs. A program that this kernel has no hook for or refuses, for whatever
 * reason, costs what `PROGRAMS` says, and is logged; what is attached afterwards serves a collector that works.
 *
 * @throws RequirementError when BTF or capabilities are missing, bpf(2) is refused, or nothing that counts sockets runs
 * though it was asked for; BpfError when the object can't be loaded at all.
 */
export function openProbes(options: ProbesOptions, logger: Logger): Probes {
  const { collectors } = options;
  const object = openObject(options);
  try {
    const started = startPrograms(object, options);
    for (const refusal of started.refusals) logRefusal(refusal, collectors, logger);
    checkSockets(started, collectors);
    return makeProbes(object, started, collectors, logger);
  } catch (error) {
    object.close();
    throw error;
  }
}

/** What loading and attaching came to, without anything that stays. @throws as `openProbes` does, but for sockets. */
export async function tryPrograms(options: ProbesOptions): Promise<Started> {
  const object = openObject(options);
  try {
    const started = startPrograms(object, options);
    if (!started.running.has('adopt_sockets')) return started;
    const refusal = await adoptSockets(object);
    return refusal === undefined ? started : outcome(started, refusal, options.collectors);
  } finally {
    object.close();
  }
}

function openObject({ object, collectors, maxServices, maxEdges, ioHierarchy }: ProbesOptions): BpfObject {
  checkRequirements();
  const wanted = PROGRAM_NAMES.filter((program) => serves(program, collectors));
  try {
    return BpfObject.open(object ?? defaultObjectPath(), {
      // A row for each role.
      maxEntries: {
        requests: 2 * maxServices,
        tcp: 2 * maxServices,
        listeners: 2 * maxServices,
        accept_queues: 4 * maxServices,
        http_responses: collectors.has('http_status') ? 2 * maxServices : 1,
        cgroups: maxServices,
        syscalls: maxServices,
        page_faults: maxServices,
        block_requests: maxServices,
        block_cgroups: maxServices,
        process_events: maxServices,
        edges: maxEdges,
      },
      constants: { track_edges: collectors.has('edges') ? 1 : 0, io_hierarchy: ioHierarchy },
      disabled: PROGRAM_NAMES.filter((program) => !wanted.includes(program)).flatMap((program) => [
        program,
        ...(programOf(program).variants ?? []),
      ]),
      // Those of cgroups are off in the object, as loading them takes a capability more.
      enabled: wanted.filter((program) => programOf(program).ofCgroups === true),
    });
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'BPF_REFUSED') throw error;
    const text = `${error.message}: let seccomp, an LSM or the container's profile allow bpf(2) (docs/privileges.md)`;
    throw new RequirementError(text, { cause: error });
  }
}

export interface Started {
  readonly running: ReadonlySet<ProgramName>;
  readonly refusals: readonly Refusal[];
  readonly health: ReadonlyMap<CollectorName, CollectorHealth>;
}

/** Attaches what serves, and takes off what turns out to serve nobody, as what it goes with was refused. */
function startPrograms(object: BpfObject, { collectors, cgroupfs }: ProbesOptions): Started {
  const refusals: Refusal[] = [];
  const running = new Map<ProgramName, string>();
  for (const program of PROGRAM_NAMES) {
    if (!serves(program, collectors)) continue;
    const [name, refusal] = loadedVariant(object, program);
    if (refusal === undefined) running.set(program, name);
    else refusals.push(refusal);
  }
  const health = () => healthOfAll(collectors, refusals);
  for (const [program, name] of running) {
    if (!serves(program, living(health()))) continue;
    const error = start(object, program, name, cgroupfs);
    if (error === undefined) continue;
    running.delete(program);
    refusals.push({ program, at: 'attach', error });
  }
  const left = living(health());
  for (const [program, name] of running) {
    if (serves(program, left)) continue;
    object.detach(name);
    running.delete(program);
  }
  return { running: new Set(running.keys()), refusals, health: health() };
}

function healthOfAll(
  collectors: ReadonlySet<CollectorName>,
  refusals: readonly Refusal[],
): ReadonlyMap<CollectorName, CollectorHealth> {
  const missing = new Set(refusals.map(({ program }) => program));
  return new Map([...collectors].map((collector) => [collector, healthOf(collector, missing)]));
}

/** With a refusal more. */
function outcome({ running, refusals }: Started, refusal: Refusal, collectors: ReadonlySet<CollectorName>): Started {
  const all = [...refusals, refusal];
  const left = [...running].filter((program) => program !== refusal.program);
  return { running: new Set(left), refusals: all, health: healthOfAll(collectors, all) };
}

function living(health: ReadonlyMap<CollectorName, CollectorHealth>): ReadonlySet<CollectorName> {
  return new Set([...health].filter(([, { health: state }]) => state !== 'none').map(([collector]) => collector));
}

/** The name under which the program was loaded, or why it wasn't. */
function loadedVariant(object: BpfObject, program: ProgramName): readonly [name: string, refusal?: Refusal] {
  const names = [program, ...(programOf(program).variants ?? [])];
  for (const name of names) {
    const error = object.refused.get(name);
    if (error !== undefined) return [name, { program, at: 'load', error }];
    if (object.programs.includes(name)) return [name];
  }
  const text = `program ${program}: this kernel has no such hook`;
  return [program, { program, at: 'hook', error: new BpfError(text, 'BPF_ATTACH', 'ENOENT') }];
}

/** @returns why it was refused. */
function start(object: BpfObject, program: ProgramName, name: string, cgroupfs: string): BpfError | undefined {
  try {
    object.attach(name, programOf(program).ofCgroups === true ? cgroupfs : undefined);
    return undefined;
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}

/** @throws RequirementError when sockets were to be counted and nothing that counts them runs. */
function checkSockets({ health, refusals }: Started, collectors: ReadonlySet<CollectorName>): void {
  const chosen = SOCKET_COLLECTORS.filter((name) => collectors.has(name));
  if (chosen.length === 0 || chosen.some((name) => health.get(name)?.health !== 'none')) return;
  const reasons = refusals
    .filter(({ program }) => serves(program, new Set(chosen)))
    .map(({ program, error: { errno } }) => `${program} (${errno})`);
  throw new RequirementError(`nothing that counts sockets runs here: ${reasons.join(', ')}`);
}

function makeProbes(
  object: BpfObject,
  { running, refusals, health }: Started,
  collectors: ReadonlySet<CollectorName>,
  logger: Logger,
): Probes {
  const lost = object.map('lost');
  const acceptQueues = object.map('accept_queues');
  let listening: readonly Listener[] | undefined;
  const wanted = PROGRAM_NAMES.filter((program) => serves(program, collectors));
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
    programs: new Map(wanted.map((program) => [program, running.has(program)])),
    refusals,
    health,
    counted: countedFamilies((program) => running.has(program)),
    acceptQueues: {
      name: acceptQueues.name,
      capacity: acceptQueues.capacity,
      get entries() {
        return listening?.length;
      },
    },
    readListeners: () => (listening = readListeners(object, acceptQueues)),
    adopt: () => adopt(object, running, logger),
    lost: () => addMissed(lostEvents(lost), object.programStats()),
    unattributed: () => unattributedEvents(lost),
    close: () => object.close(),
  };
}

async function adopt(object: BpfObject, running: ReadonlySet<ProgramName>, logger: Logger): Promise<void> {
  if (!running.has('adopt_sockets')) return;
  const refusal = await adoptSockets(object);
  if (refusal !== undefined) logRefusal(refusal, new Set(COLLECTOR_NAMES), logger);
}

async function adoptSockets(object: BpfObject): Promise<Refusal | undefined> {
  try {
    await object.readIterator('adopt_sockets');
    return undefined;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { program: 'adopt_sockets', at: 'run', error };
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

export const BTF_PATH = '/sys/kernel/btf/vmlinux';

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

/** Why a collector shows nothing here, in one line; undefined when it shows something. */
export function absenceOf(collector: CollectorName, { health, refusals }: Probes): string | undefined {
  const { health: state, missing } = health.get(collector) ?? { health: 'whole', missing: [] };
  if (state !== 'none') return undefined;
  const errors = refusals.filter(({ program }) => missing.includes(program)).map(({ error }) => describeError(error));
  return errors.join('; ');
}
