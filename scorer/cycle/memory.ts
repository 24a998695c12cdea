import { setTimeout as pause } from 'node:timers/promises';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import type { Logger } from '../../daemon/logger.ts';
import { compileOnlyHotFunctions } from '../../daemon/memory/machine-code.ts';
import { ProcessMemory } from '../../daemon/memory/process-memory.ts';
import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts';

/** Frees unused memory between two cycles. */
export interface RestingMemory {
  release(): Promise<void>;
}

/** Time to wait after a collection: V8 frees the memory of collected buffers on a background thread. */
const SWEEP_MS = 200;

/**
 * Keeps the scorer's RSS low: a cycle allocates much at once, and without this the idle process would hold it until the
 * next cycle. Open it before the scorer. Savings and costs of each part: docs/performance.md.
 */
export function openRestingMemory(logger: Logger): RestingMemory {
  keepYoungGenerationSmall();
  compileOnlyHotFunctions();
  const native = ProcessMemory.open(logger);
  const collectGarbage = exposedCollection();
  return {
    async release() {
      // V8 collects garbage only when it allocates, which an idle scorer doesn't: the buffers of the last response,
      // hundreds of kilobytes of native memory behind small objects, would stay until the next cycle.
      collectGarbage();
      await pause(SWEEP_MS, undefined, { ref: false });
      native.release();
    },
  };
}
