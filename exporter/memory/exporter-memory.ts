import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import type { Logger } from '../../daemon/logger.ts';
import { ProcessMemory } from '../../daemon/memory/process-memory.ts';

/** Garbage among the old objects and their buffers that triggers a collection, in bytes. */
const GARBAGE_LIMIT = 2 * 1024 * 1024;
/** Scrapes after which memory is released anyway: freed pieces of malloc's heap are no garbage that V8 could count. */
const SCRAPES_LIMIT = 100;

/** Keeps the exporter's memory at the level after its first scrape. */
export class ExporterMemory {
  readonly #native: ProcessMemory;
  readonly #collectGarbage = exposedCollection();
  /** Bytes of old objects and buffers after the last collection, V8's own included. */
  #kept = Infinity;
  /** Scrapes since memory was released. */
  #scrapes = 0;

  constructor(logger: Logger) {
    this.#native = ProcessMemory.open(logger);
  }

  /** Frees the memory that is not needed between scrapes, such as what only the start used. */
  release(): void {
    this.#scrapes = 0;
    this.#collect();
    this.#native.release();
  }

  /**
   * Releases the memory of many scrapes once there is enough of it. Call it after each scrape, when no client waits. A
   * scrape leaves a few kilobytes among the old objects, which V8 itself only collects at 8 MB: the exporter would grow
   * for its first hours, as if it leaked memory. The pages of the program that a reload or an error took go with it.
   */
  tidy(): void {
    const used = oldBytes();
    this.#scrapes++;
    if (used <= this.#kept + GARBAGE_LIMIT && this.#scrapes < SCRAPES_LIMIT) {
      this.#kept = Math.min(this.#kept, used);
      return;
    }
    this.release();
  }

  #collect(): void {
    this.#collectGarbage();
    this.#kept = oldBytes();
  }
}

/** Bytes of the objects that V8 does not collect every few scrapes, and of buffers, including dead ones. */
function oldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'));
  return spaces.reduce((sum, { space_used_size: used }) => sum + used, getHeapStatistics().external_memory);
}
