import { describeError, type Logger } from '../../daemon/logger.ts';
import type { BpfObject } from '../../native/index.ts';
import { adoptSockets } from './adoption.ts';
import { readListeners, type Listener } from './listeners.ts';
import { addMissed, lostEvents, lostMaps, unattributedEvents, unmonitoredRows } from './lost-events.ts';
import { measured, type MeasuredMap } from './measured-map.ts';
import { countedFamilies, lacksSockets, programsOf, type CollectorHealth } from './programs.ts';
import { logRefusal, type Refusal } from './refusal.ts';
import { RequirementError } from './requirements.ts';
import { sharedTable, type SharedTable } from './shared-table.ts';
import { openObject, startPrograms, withRefusal, type ProgramOptions, type Started } from './start-programs.ts';
import { addUnseen, unseenRequests } from './unseen-requests.ts';

/** The loaded and attached BPF programs. */
export interface Probes {
  /** A map of counters. @throws BpfError if the object has no such map. */
  map(name: string): MeasuredMap;
  /** Usage of the maps that have been read. */
  readonly usage: Iterable<Pick<MeasuredMap, 'name' | 'entries' | 'capacity'>>;
  readonly cgroups: SharedTable;
  /** Paths of new cgroups. */
  readonly cgroupPaths: SharedTable;
  /** The same for the ids of `block_requests`, from the hierarchy of the io controller. */
  readonly blockCgroups: SharedTable;
  readonly blockCgroupPaths: SharedTable;
  /** Maps by which user space divides the rows of others among the cgroups (bpf/shared/shares.bpf.h). */
  readonly shares: {
    readonly targets: SharedTable;
    readonly use: SharedTable;
    readonly capacities: Readonly<Record<'edges' | 'listeners' | 'udp_edges' | 'port_protocols', number>>;
  };
  /** The protocols of ports that users declare. */
  readonly declaredProtocols: SharedTable;
  /** The programs of the enabled collectors, and whether each runs. */
  readonly programs: ReadonlyMap<string, boolean>;
  /** Families of a collector, and whether each is counted on this machine. */
  counted(collector: string): Readonly<Record<string, boolean>>;
  /** The reason why a collector is unavailable, in one line; undefined if it is available. */
  readonly absence: (collector: string) => string | undefined;
  /** Counts the DNS queries that have waited too long for an answer as unanswered. */
  expireQueries(): void;
  /** The current listening sockets. Also counts their drops. Deletes the rows of cgroups for which `dismiss` is true. */
  readListeners(dismiss: (cgroup: bigint) => boolean): readonly Listener[];
  /** Starts to track sockets older than the programs, once. Logs a failure. */
  adopt(): Promise<void>;
  /**
   * Events lost since the start because a map was full, a program was already running, or a request was read without a
   * receive call, by map.
   */
  lost(): ReadonlyMap<string, number>;
  /** Rows refused since the start to cgroups that nobody monitors, by map. */
  unmonitored(): ReadonlyMap<string, number>;
  /** Events since the start that could not be attributed, by kind. */
  unattributed(): ReadonlyMap<string, number>;
  close(): void;
}

/**
 * Loads the object file and attaches its programs. Logs each program that the kernel refuses or has no hook for; the
 * collectors' descriptors have the loss.
 *
 * @throws RequirementError if BTF or capabilities are missing, bpf(2) is refused, or collectors of sockets are enabled
 * and none of them is available; BpfError if the object cannot be loaded at all.
 */
export function openProbes(options: ProgramOptions, logger: Logger): Probes {
  const object = openObject(options);
  try {
    const started = startPrograms(object, options);
    for (const refusal of started.refusals) logRefusal(refusal, options.chosen, logger);
    checkSockets(started, options);
    return makeProbes(object, started, options, logger);
  } catch (error) {
    object.close();
    throw error;
  }
}

/** Loads and attaches all programs as a test, then removes them. @throws as `openProbes`, except for sockets. */
export async function tryPrograms(options: ProgramOptions): Promise<Started> {
  const object = openObject(options);
  try {
    const started = startPrograms(object, options);
    const refusal = await adoptSockets(object, started.running);
    return refusal === undefined ? started : withRefusal(started, refusal, options.chosen);
  } finally {
    object.close();
  }
}

/** @throws RequirementError if collectors of sockets are enabled and none of them is available. */
function checkSockets({ health, refusals }: Started, { chosen }: ProgramOptions): void {
  if (!lacksSockets(chosen, (name) => health.get(name)?.health)) return;
  const programs = programsOf(chosen.filter((needs) => needs.ofSockets === true));
  const reasons = refusals
    .filter(({ program }) => programs.includes(program))
    .map(({ program, error: { errno } }) => `${program} (${errno})`);
  throw new RequirementError(`no BPF program that counts sockets runs: ${reasons.join(', ')}`);
}

function makeProbes(
  object: BpfObject,
  { programs, running, refusals, health }: Started,
  options: ProgramOptions,
  logger: Logger,
): Probes {
  const { known, chosen } = options;
  const lost = lostEvents(object);
  const ofProgram = lostMaps(known);
  const unseen = unseenRequests(object, logger);
  const acceptQueues = object.map('accept_queues');
  const maps = new Map<string, MeasuredMap>();
  let listening: readonly Listener[] | undefined;
  return {
    map(name) {
      const map = maps.get(name) ?? measured(object.map(name));
      maps.set(name, map);
      return map;
    },
    get usage() {
      return [
        ...maps.values(),
        { name: acceptQueues.name, capacity: acceptQueues.capacity, entries: listening?.length },
      ];
    },
    cgroups: sharedTable(object.map('cgroups')),
    cgroupPaths: sharedTable(object.map('cgroup_paths')),
    blockCgroups: sharedTable(object.map('block_cgroups')),
    blockCgroupPaths: sharedTable(object.map('block_cgroup_paths')),
    shares: {
      targets: sharedTable(object.map('targets')),
      use: sharedTable(object.map('row_use')),
      capacities: {
        edges: object.map('edges').capacity,
        listeners: acceptQueues.capacity,
        udp_edges: object.map('udp_edges').capacity,
        port_protocols: object.map('port_protocols').capacity,
      },
    },
    declaredProtocols: sharedTable(object.map('declared_protocols')),
    programs: new Map(programs.map((program) => [program, running.has(program)])),
    counted(collector) {
      const needs = known.find(({ name }) => name === collector);
      return needs === undefined ? {} : countedFamilies(needs, (program) => running.has(program));
    },
    absence: (collector) => absenceOf(health.get(collector), refusals),
    expireQueries: () => object.run('expire_dns_queries'),
    readListeners: (dismiss) => (listening = readListeners(object, acceptQueues, dismiss)),
    async adopt() {
      const refusal = await adoptSockets(object, running);
      if (refusal !== undefined) logRefusal(refusal, chosen, logger);
    },
    lost: () => addUnseen(addMissed(lost(), object.programStats(), ofProgram), unseen()),
    unmonitored: unmonitoredRows(object),
    unattributed: unattributedEvents(object),
    close: () => object.close(),
  };
}

function absenceOf(health: CollectorHealth | undefined, refusals: readonly Refusal[]): string | undefined {
  if (health?.health !== 'none') return undefined;
  return refusals
    .filter(({ program }) => health.missing.includes(program))
    .map(({ error }) => describeError(error))
    .join('; ');
}
