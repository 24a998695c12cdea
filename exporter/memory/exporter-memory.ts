import { getHeapSpaceStatistics } from 'node:v8';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import type { Logger } from '../../daemon/logger.ts';
import { ProcessMemory } from '../../daemon/memory/process-memory.ts';

/** How much garbage may lie among the old objects before it is collected, in bytes. */
const GARBAGE_LIMIT = 2 * 1024 * 1024;

/** Keeps an exporter as small as after its first scrape. */
export class ExporterMemory {
  readonly #native: ProcessMemory;
  readonly #collectGarbage = exposedCollection();
  /** Bytes of old objects after the last collection, whoever made it. */
  #kept = Infinity;

  constructor(logger: Logger) {
    this.#native = ProcessMemory.open(logger);
  }

  /** Gives back all that a start went through and the exporter doesn't need to stay. */
  release(): void {
    this.#collect();
    this.#native.release();
  }

  /**
   * Collects the garbage of many scrapes, once there is enough of it; to be called after each, when nobody waits. A
   * scrape leaves a few kilobytes behind among the old objects, which V8 by itself collects once there are 8 MB: an
   * exporter would grow for its first hours, as if it leaked.
   */
  tidy(): void {
    const used = oldObjects();
    if (used <= this.#kept + GARBAGE_LIMIT) {
      this.#kept = Math.min(this.#kept, used);
      return;
    }
    this.#collect();
    this.#native.trim();
  }

  #collect(): void {
    this.#collectGarbage();
    this.#kept = oldObjects();
  }
}

/** Bytes of the objects that V8 doesn't collect by itself every few scrapes, dead ones among them. */
function oldObjects(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'));
  return spaces.reduce((sum, { space_used_size: used }) => sum + used, 0);
}
