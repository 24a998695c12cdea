import { BpfError, BpfObject, defaultObjectPath } from '../../native/index.ts';
import type { KernelNeeds, MapLimits } from './needs.ts';
import { coverOf, healthOf, namesOf, programsOf, type CollectorHealth } from './programs.ts';
import type { Refusal } from './refusal.ts';
import { checkRequirements, RequirementError } from './requirements.ts';

export interface ProgramOptions extends MapLimits {
  /** The BPF object file; undefined: the one shipped with the exporter. */
  readonly object: string | undefined;
  /** The needs of all collectors. */
  readonly known: readonly KernelNeeds[];
  /** The needs of the enabled collectors. */
  readonly chosen: readonly KernelNeeds[];
  /** Ports of servers whose responses are counted by status; empty: all. */
  readonly statusPorts: readonly number[];
  /** The id of the cgroup hierarchy with the io controller, or an id that no hierarchy has. */
  readonly ioHierarchy: number;
}

/** The result of loading and attaching. */
export interface Started {
  /** The programs of the enabled collectors that this kernel needs. */
  readonly programs: readonly string[];
  /** Those that run. */
  readonly running: ReadonlySet<string>;
  readonly refusals: readonly Refusal[];
  /** State of each enabled collector, by name. */
  readonly health: ReadonlyMap<string, CollectorHealth>;
}

/** Maps of all collectors with a row for each cgroup or target. */
const BY_CGROUP = ['cgroups', 'cgroup_paths', 'block_cgroups', 'block_cgroup_paths', 'targets'] as const;

/**
 * Loads the object file, without the programs that the kernel refuses.
 *
 * @throws RequirementError if BTF or capabilities are missing or bpf(2) is refused as a whole; BpfError if the object
 * cannot be loaded at all.
 */
export function openObject(options: ProgramOptions): BpfObject {
  checkRequirements();
  const { object, known, chosen } = options;
  const wanted = programsOf(chosen);
  const rows = mapRows(options);
  try {
    const opened = BpfObject.open(object ?? defaultObjectPath(), {
      maxEntries: { ...rows, ...Object.fromEntries(BY_CGROUP.map((map) => [map, options.maxServices])) },
      constants: {
        ...tunables(known, chosen),
        io_hierarchy: options.ioHierarchy,
        http_status_of_ports: options.statusPorts.length > 0 ? 1 : 0,
        edge_rows: rows['edges'] ?? 0,
        accept_queue_rows: rows['accept_queues'] ?? 0,
        udp_edge_rows: rows['udp_edges'] ?? 0,
        port_protocol_rows: rows['port_protocols'] ?? 0,
      },
      disabled: programsOf(known)
        .filter((program) => !wanted.includes(program))
        .flatMap(namesOf),
    });
    writeStatusPorts(opened, options.statusPorts);
    return opened;
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'BPF_REFUSED') throw error;
    const text = `${error.message}: allow bpf(2) in the seccomp profile, LSM or container (docs/privileges.md)`;
    throw new RequirementError(text, { cause: error });
  }
}

/** Programs that use a map that the kernel refused are refused as well. */
function writeStatusPorts(object: BpfObject, ports: readonly number[]): void {
  if (!object.maps.includes('http_status_ports')) return;
  const map = object.map('http_status_ports');
  for (const port of ports) {
    const key = Buffer.alloc(map.keySize);
    key.writeUInt16LE(port);
    map.update(key, Buffer.alloc(map.valueSize, 1));
  }
}

/** Includes the maps of disabled collectors: a program of one collector may write a map of another. */
function mapRows({ known, ...limits }: ProgramOptions): Record<string, number> {
  const rows = known.flatMap(({ maps = {} }) => Object.entries(maps));
  return Object.fromEntries(rows.map(([map, count]) => [map, count(limits)]));
}

function tunables(known: readonly KernelNeeds[], chosen: readonly KernelNeeds[]): Record<string, number> {
  return Object.fromEntries(
    known.flatMap((needs) => (needs.tunable === undefined ? [] : [[needs.tunable, chosen.includes(needs) ? 1 : 0]])),
  );
}

/** Attaches the programs, and detaches those whose collectors are unavailable because another program was refused. */
export function startPrograms(object: BpfObject, { chosen }: ProgramOptions): Started {
  const refusals: Refusal[] = [];
  const loaded = new Map<string, string>();
  const programs = programsOf(chosen).filter((program) => !isCovered(object, program));
  for (const program of programs) {
    const found = loadedName(object, program);
    if (typeof found === 'string') loaded.set(program, found);
    else refusals.push(found);
  }
  const running = new Map<string, string>();
  for (const [program, name] of loaded) {
    if (!programsOf(living(chosen, refusals)).includes(program)) continue;
    const error = attach(object, name);
    if (error === undefined) running.set(program, name);
    else refusals.push({ program, at: 'attach', error });
  }
  const useful = programsOf(living(chosen, refusals));
  for (const [program, name] of running) {
    if (useful.includes(program)) continue;
    object.detach(name);
    running.delete(program);
  }
  return { programs, running: new Set(running.keys()), refusals, health: healths(chosen, refusals) };
}

/** Adds a refusal. */
export function withRefusal(
  { programs, running, refusals }: Started,
  refusal: Refusal,
  chosen: readonly KernelNeeds[],
): Started {
  const all = [...refusals, refusal];
  const left = [...running].filter((program) => program !== refusal.program);
  return { programs, running: new Set(left), refusals: all, health: healths(chosen, all) };
}

function healths(chosen: readonly KernelNeeds[], refusals: readonly Refusal[]): ReadonlyMap<string, CollectorHealth> {
  const missing = new Set(refusals.map(({ program }) => program));
  return new Map(chosen.map((needs) => [needs.name, healthOf(needs, missing)]));
}

/** The collectors that are at least partly available. */
function living(chosen: readonly KernelNeeds[], refusals: readonly Refusal[]): readonly KernelNeeds[] {
  const health = healths(chosen, refusals);
  return chosen.filter(({ name }) => health.get(name)?.health !== 'none');
}

/** True if another program does its work on this kernel, also if the kernel refused that program. */
function isCovered(object: BpfObject, program: string): boolean {
  const cover = coverOf(program);
  return cover !== undefined && (object.programs.includes(cover) || object.refused.has(cover));
}

/** The name under which a program was loaded, or its refusal. */
function loadedName(object: BpfObject, program: string): string | Refusal {
  for (const name of namesOf(program)) {
    const error = object.refused.get(name);
    if (error !== undefined) return { program, at: 'load', error };
    if (object.programs.includes(name)) return name;
  }
  const text = `program ${program}: this kernel does not have the hook`;
  return { program, at: 'hook', error: new BpfError(text, 'BPF_ATTACH', 'ENOENT') };
}

/** @returns the error if the kernel refused; undefined on success. */
function attach(object: BpfObject, name: string): BpfError | undefined {
  try {
    object.attach(name);
    return undefined;
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}
