import { TestRunner } from 'vitest';
import type { Watched } from '../clients/watch.ts';
import type { AttackName } from './attacks.ts';

/** Figures of a test by name. */
export type Figures = Readonly<Record<string, number>>;

declare module 'vitest' {
  interface TaskMeta {
    /** The row of the table of attacks that a test keeps. */
    attack?: AttackName;
    figures?: Figures;
  }
}

/** The options of a test, or a suite, that keeps a row of the table: it holds as long as they pass. */
export function keeps(attack: AttackName): { readonly meta: { readonly attack: AttackName } } {
  return { meta: { attack } };
}

/** Adds figures to the row of the running test; the largest of a name counts. */
export function record(figures: Figures): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error('no test is running');
  test.meta.figures = largest([test.meta.figures ?? {}, figures]);
}

/** Adds what was seen of a program to the row of the running test. */
export function recordWatched({ addedBytes, longestBlockMs, longestHealthMs, unhealthy }: Watched): void {
  record({
    [ADDED_MEGABYTES]: addedBytes / 1e6,
    [LONGEST_BLOCK_MS]: longestBlockMs,
    health_ms: longestHealthMs,
    unhealthy,
  });
}

/** Names of the figures that have columns of their own. */
export const ADDED_MEGABYTES = 'added_megabytes';
export const LONGEST_BLOCK_MS = 'longest_block_ms';

/** The largest figure of each name. */
export function largest(all: readonly Figures[]): Figures {
  const found: Record<string, number> = {};
  for (const [name, value] of all.flatMap(Object.entries)) found[name] = Math.max(found[name] ?? -Infinity, value);
  return found;
}
