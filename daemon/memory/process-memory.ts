import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { ConditionLog, type Logger } from '../logger.ts';

/** The addon of daemon/native. */
interface Addon {
  keepAllocatorSmall(): void;
  trimAllocator(): void;
  /** Returns 0 or an errno. */
  releaseProgramPages(): number;
}

const ADDON = 'lorikeet_memory.node';
/** This file's folder: `dist` in a bundle, `daemon/memory` when run from source. */
const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * Keeps the process as small between its turns of work as what it has in use. Where the addon wasn't built, which is
 * said once, the process works the same and is some tens of megabytes larger.
 *
 * @example
 * const memory = ProcessMemory.open(logger);
 * await start();
 * memory.release();
 */
export class ProcessMemory {
  readonly #addon: Addon | undefined;
  readonly #conditions: ConditionLog;

  private constructor(addon: Addon | undefined, logger: Logger) {
    this.#addon = addon;
    this.#conditions = new ConditionLog(logger);
  }

  /** From now on what native code frees goes back at once, where it can; so this comes before what allocates. */
  static open(logger: Logger): ProcessMemory {
    const addon = loadAddon(logger);
    addon?.keepAllocatorSmall();
    return new ProcessMemory(addon, logger);
  }

  /** Gives back memory that native code has freed. */
  trim(): void {
    this.#addon?.trimAllocator();
  }

  /**
   * Gives back what is only kept: freed memory, and the pages of program and libraries. Most of what a start went through
   * isn't needed again, and what is comes back from the kernel's page cache at the next access, some microseconds each.
   */
  release(): void {
    if (this.#addon === undefined) return;
    this.trim();
    const errno = this.#addon.releaseProgramPages();
    if (errno === 0) this.#conditions.recovered('memory', 'program pages are given back again');
    else this.#conditions.failing('memory', 'program pages not given back', getSystemErrorName(-errno));
  }
}

function loadAddon(logger: Logger): Addon | undefined {
  const path = [join(HERE, ADDON), join(HERE, '../../dist', ADDON)].find((candidate) => existsSync(candidate));
  if (path === undefined) {
    logger.warn('unused memory is not given back, the addon is missing', { file: ADDON });
    return undefined;
  }
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    logger.warn('unused memory is not given back, the addon cannot be loaded', { path, error: error as Error });
    return undefined;
  }
}
