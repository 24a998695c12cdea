import type { TraceEvent } from './events.ts';

/** The places of each event's children, in order; those of roots under -1. Every event is there. */
export function childrenOf(events: readonly TraceEvent[]): Map<number, number[]> {
  const children = new Map<number, number[]>([[-1, []]]);
  for (const index of events.keys()) children.set(index, []);
  for (const [index, { parent }] of events.entries()) children.get(parent)!.push(index);
  return children;
}

/** The same call came again after this one, and didn't fail. */
export function isRetried(events: readonly TraceEvent[], siblings: readonly number[], index: number): boolean {
  const { key } = events[index]!.representative;
  return siblings.some((other) => other > index && events[other]!.representative.key === key && !events[other]!.failed);
}

/** The entry that an event is part of: the request that its service handled. */
export function visitOf(events: readonly TraceEvent[], index: number): number {
  let at = index;
  while (!events[at]!.entry && events[at]!.parent !== -1) at = events[at]!.parent;
  return at;
}
