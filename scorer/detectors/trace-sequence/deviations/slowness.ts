import type { Deviation } from './deviations.ts';
import { type Durations, durationOf, type DurationPart, excess, usualMs } from './durations.ts';
import type { EventSequence, Representative } from '../events/events.ts';

/** A sequence and what was found in it. */
export interface JudgedSequence {
  readonly sequence: EventSequence;
  readonly deviations: Deviation[];
  readonly weight: number;
}

/** Calls that a service makes or gets. */
interface Ways {
  calls: number;
  slow: number;
}

/** The ways of all calls, by the service at one end and the direction. */
type WaysByEnd = ReadonlyMap<string, Readonly<Record<'made' | 'got', Ways>>>;

/** Shares of slow ways that differ by less are alike. */
const ALIKE = 0.1;

/**
 * Adds the durations that are more than `deviations` above the usual: a service's own time to the service, and the time on the
 * way to one end of the call. That is the caller if more of the calls that it makes are slow than of those that the callee
 * gets, or else the callee; if it is as many, the one with more slow calls in both directions.
 */
export function addSlowness(judged: readonly JudgedSequence[], durations: Durations, deviations: number): void {
  const ways = waysOf(judged, durations, deviations);
  for (const { sequence, deviations: found } of judged) {
    for (const [index, event] of sequence.events.entries()) {
      const slow = (part: DurationPart) => excess(durations, event, part) > deviations;
      const add = (part: DurationPart, at: number, what: string) => {
        const [ms, usual] = [durationOf(event, part), usualMs(durations, event, part)].map(milliseconds);
        const { key } = event.representative;
        // The exact duration would make every event another one.
        found.push({ kind: 'duration', at, event: `${key}: ${what} over ${decade(ms!)} ms`, expected: `${usual} ms` });
      };
      if (slow('own')) add('own', index, 'own time');
      if (!slow('way')) continue;
      add('way', isCallers(ways, event.representative) ? event.parent : index, 'time on the way');
    }
  }
}

/** The caller slows the ways of a call, rather than the callee. */
function isCallers(ways: WaysByEnd, { source, destination }: Representative): boolean {
  const [caller, callee] = [ways.get(source ?? ''), ways.get(destination)];
  if (caller === undefined || callee === undefined) return false;
  const more = slowShare(caller.made) - slowShare(callee.got);
  if (Math.abs(more) >= ALIKE) return more > 0;
  return caller.made.slow + caller.got.slow > callee.made.slow + callee.got.slow;
}

function waysOf(judged: readonly JudgedSequence[], durations: Durations, deviations: number): WaysByEnd {
  const ways = new Map<string, Record<'made' | 'got', Ways>>();
  for (const { sequence, weight } of judged) {
    for (const event of sequence.events) {
      const size = excess(durations, event, 'way');
      if (Number.isNaN(size)) continue;
      const { source, destination } = event.representative;
      for (const [end, direction] of [[source, 'made'] as const, [destination, 'got'] as const]) {
        if (end === undefined) continue;
        let of = ways.get(end);
        if (of === undefined) ways.set(end, (of = { made: { calls: 0, slow: 0 }, got: { calls: 0, slow: 0 } }));
        of[direction].calls += weight;
        if (size > deviations) of[direction].slow += weight;
      }
    }
  }
  return ways;
}

function slowShare({ calls, slow }: Ways): number {
  return calls === 0 ? 0 : slow / calls;
}

function milliseconds(ms: number): number {
  return Number(ms.toPrecision(2));
}

/** The largest power of ten below. */
function decade(ms: number): number {
  return 10 ** Math.floor(Math.log10(Math.max(0.1, ms)));
}
