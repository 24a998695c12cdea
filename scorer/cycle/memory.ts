import { setTimeout as pause } from 'node:timers/promises';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import type { Logger } from '../../daemon/logger.ts';
import { ProcessMemory } from '../../daemon/memory/process-memory.ts';
import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts';

/** Gives back, between two cycles, what isn't in use. */
export interface RestingMemory {
  release(): Promise<void>;
}

/** V8 frees what lies behind collected buffers on a thread of its own, a moment after the collection. */
const SWEEP_MS = 200;

/**
 * Keeps a scorer small: a cycle makes much garbage at once, and then the process rests for a minute with all that it
 * took. To be opened before the scorer is. What each part brings and costs: docs/performance.md.
 */
export function openRestingMemory(logger: Logger): RestingMemory {
  keepYoungGenerationSmall();
  const native = ProcessMemory.open(logger);
  const collectGarbage = exposedCollection();
  return {
    async release() {
      // V8 by itself collects when it allocates, which a scorer at rest doesn't: the last answer's buffers, hundreds of
      // kilobytes of native memory behind small objects, would stay until the next cycle makes more of them.
      collectGarbage();
      await pause(SWEEP_MS, undefined, { ref: false });
      native.release();
    },
  };
}
