import type { BpfObject, ProgramStats } from '../../native/index.ts';
import type { KernelNeeds } from './needs.ts';

/** Attached twice: an event that the kernel skips for one of them reaches the other (bpf/tcp.bpf.c). */
const TWINS: readonly (readonly [string, string])[] = [
  'inet_sock_set_state',
  'tcp_send_reset',
  'tcp_receive_reset',
].map((name) => [name, `${name}_nested`] as const);

/** Counts since the start, by name. */
export type EventCounts = () => ReadonlyMap<string, number>;

/** Events lost because a map was full, by map. */
export function lostEvents(object: Pick<BpfObject, 'maps' | 'map'>): EventCounts {
  return countsNamed('lost_', object);
}

/** Events that could not be attributed, by kind. */
export function unattributedEvents(object: Pick<BpfObject, 'maps' | 'map'>): EventCounts {
  return countsNamed('unattributed_', object);
}

/** Rows refused to cgroups that nobody monitors, by map. */
export function unmonitoredRows(object: Pick<BpfObject, 'maps' | 'map'>): EventCounts {
  return countsNamed('unmonitored_', object);
}

/** Reads each `struct event_count` of bpf/shared/maps.bpf.h whose name has the prefix. */
function countsNamed(prefix: string, object: Pick<BpfObject, 'maps' | 'map'>): EventCounts {
  const names = object.maps.filter((map) => map.startsWith(prefix));
  const counts = names.map((map) => [map.slice(prefix.length), object.map(map)] as const);
  return () => new Map(counts.map(([name, map]) => [name, map.readSums().words[0] ?? 0]));
}

/** Program -> the map that counts its lost events. That of all other programs is `services`. */
export function lostMaps(needs: Iterable<KernelNeeds>): ReadonlyMap<string, string> {
  return new Map(
    [...needs].flatMap(({ programs, lostMap }) =>
      lostMap === undefined ? [] : Object.keys(programs).map((program) => [program, lostMap] as const),
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
  maps: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const running = new Set(programs.map(({ name }) => name));
  const caught = new Set(TWINS.filter((pair) => pair.every((name) => running.has(name))).flat());
  const sums = new Map(lost);
  for (const { name, recursionMisses } of programs) {
    if (caught.has(name)) continue;
    const map = maps.get(name) ?? 'services';
    sums.set(map, (sums.get(map) ?? 0) + recursionMisses);
  }
  return sums;
}
