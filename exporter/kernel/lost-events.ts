import type { BpfMap, ProgramStats } from '../../native/index.ts';
import type { KernelNeeds } from './needs.ts';

/** The slots of the map `lost` in the order of `enum lost_map` of bpf/lost.h: maps, then unattributed events. */
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

/** Attached twice: an event that the kernel skips for one of them reaches the other (bpf/tcp.bpf.c). */
const TWINS: readonly (readonly [string, string])[] = [
  'inet_sock_set_state',
  'tcp_send_reset',
  'tcp_receive_reset',
].map((name) => [name, `${name}_nested`] as const);

/** Events lost since the start because a map was full, by map. */
export function lostEvents(lost: BpfMap): ReadonlyMap<string, number> {
  return readSlots(lost, 0, LOST_MAPS);
}

/** Events since the start that could not be attributed, by kind. */
export function unattributedEvents(lost: BpfMap): ReadonlyMap<string, number> {
  return readSlots(lost, LOST_MAPS.length, UNATTRIBUTED_EVENTS);
}

/** Slots from `first` on, by name. Rows of an array map are in the order of their keys. */
function readSlots(map: BpfMap, first: number, names: readonly string[]): ReadonlyMap<string, number> {
  const { words } = map.readSums();
  return new Map(names.map((name, index) => [name, words[first + index] ?? 0]));
}

/** Program -> the slot of its lost events. The slot of all other programs is `requests`. */
export function lostSlots(needs: Iterable<KernelNeeds>): ReadonlyMap<string, string> {
  return new Map(
    [...needs].flatMap(({ programs, lostSlot }) =>
      lostSlot === undefined ? [] : Object.keys(programs).map((program) => [program, lostSlot] as const),
    ),
  );
}

/**
 * Adds events that the kernel skipped because the program was already running on the same CPU. This happens if a task
 * switch interrupts a program (hooks on functions, preemptible kernels), or if an interrupt causes the same event. The
 * event is lost unless the program has a running twin.
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
