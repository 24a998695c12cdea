import { z } from 'zod';
import { childrenOf, isRetried } from '../events/family.ts';
import type { EventSequence } from '../events/events.ts';

const childSchema = z.strictObject({
  /** Parents with it. */
  parents: z.number(),
  /** Fewest and most of it below one parent that has it. */
  fewest: z.number(),
  most: z.number(),
  /** Failed ones that weren't tried again, and those of them whose parent didn't fail. */
  failed: z.number(),
  swallowed: z.number(),
});

const parentSchema = z.strictObject({
  count: z.number(),
  children: z.record(z.string(), childSchema),
});

/** By representative, which events were seen directly below it, and how often. */
export const structureSchema = z.record(z.string(), parentSchema);
export type Structure = z.output<typeof structureSchema>;
export type ParentStructure = Structure[string];

/** The parent of roots. */
export const TOP = '';
/** A parent with more different children than these calls anything: none of them is new. */
export const MAX_CHILDREN = 200;

/** Counts which events the sequences have below each other. */
export function learnStructure(sequences: readonly EventSequence[]): Structure {
  const structure: Record<string, ParentStructure> = {};
  for (const { events } of sequences) {
    for (const [parent, children] of childrenOf(events)) {
      const event = events[parent];
      const of = (structure[event?.representative.key ?? TOP] ??= { count: 0, children: {} });
      of.count++;
      const counts = new Map<string, number>();
      for (const index of children) {
        const { representative, failed } = events[index]!;
        const { key } = representative;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        const child = childOf(of, key);
        if (child === undefined || !failed || isRetried(events, children, index)) continue;
        child.failed++;
        if (event?.failed === false) child.swallowed++;
      }
      for (const [key, count] of counts) {
        const child = childOf(of, key);
        if (child === undefined) continue;
        child.parents++;
        child.fewest = child.parents === 1 ? count : Math.min(child.fewest, count);
        child.most = Math.max(child.most, count);
      }
    }
  }
  return structure;
}

function childOf({ children }: ParentStructure, key: string): ParentStructure['children'][string] | undefined {
  if (Object.hasOwn(children, key)) return children[key];
  if (Object.keys(children).length >= MAX_CHILDREN) return undefined;
  return (children[key] = { parents: 0, fewest: 0, most: 0, failed: 0, swallowed: 0 });
}
