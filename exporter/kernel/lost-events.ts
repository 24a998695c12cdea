import type { BpfMap, ProgramStats } from '../../native/index.ts';
import type { KernelNeeds } from './needs.ts';

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

/** Attached twice, so that an event that the kernel keeps from one of them reaches the other (bpf/tcp.bpf.c). */
const TWINS: readonly (readonly [string, string])[] = [
  'inet_sock_set_state',
  'tcp_send_reset',
  'tcp_receive_reset',
].map((name) => [name, `${name}_nested`] as const);

/** What couldn't be counted since the start because a map was full, by map. */
export function lostEvents(lost: BpfMap): ReadonlyMap<string, number> {
  return readSlots(lost, 0, LOST_MAPS);
}

/** Events since the start that belong to nobody, by kind. */
export function unattributedEvents(lost: BpfMap): ReadonlyMap<string, number> {
  return readSlots(lost, LOST_MAPS.length, UNATTRIBUTED_EVENTS);
}

/** The slots from `first` on, by the names given. An array's rows come in the order of their keys. */
function readSlots(map: BpfMap, first: number, names: readonly string[]): ReadonlyMap<string, number> {
  const { words } = map.readSums();
  return new Map(names.map((name, index) => [name, words[first + index] ?? 0]));
}

/** The slot in which the misses of each program are missing; of the others that is `requests`. */
export function lostSlots(needs: Iterable<KernelNeeds>): ReadonlyMap<string, string> {
  return new Map(
    [...needs].flatMap(({ programs, lostSlot }) =>
      lostSlot === undefined ? [] : Object.keys(programs).map((program) => [program, lostSlot] as const),
    ),
  );
}

/**
 * Adds what the kernel kept from a program that was at work on the same CPU. It does so where it may switch tasks within
 * a program (hooks on functions, preemptible kernels), and where an interrupt brings the same event; that one is lost
 * unless the program has its twin beside it.
 */
export function addMissed(
  lost: ReadonlyMap<string, number>,
  programs: readonly Pick<ProgramStats, 'name' | 'recursionMisses'>[],
  slots: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const running = new Set(programs.map(({ name }) => name));
  const caught = new Set(TWINS.filter((pair) => pair.every((name) => running.has(name))).flat());
  const sums = new Map(lost);
  for (const { name, recursionMisses } of programs) {
    if (caught.has(name)) continue;
    const map = slots.get(name) ?? 'requests';
    sums.set(map, (sums.get(map) ?? 0) + recursionMisses);
  }
  return sums;
}
