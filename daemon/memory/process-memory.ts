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
 * Returns unused memory of the process to the kernel between its cycles. Without the addon, which is logged once, the
 * process works the same but needs some tens of megabytes more.
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

  /** Lets the allocator return freed memory immediately from now on. Call it before other code allocates. */
  static open(logger: Logger): ProcessMemory {
    const addon = loadAddon(logger);
    addon?.keepAllocatorSmall();
    return new ProcessMemory(addon, logger);
  }

  /**
   * Returns freed memory, and the pages of the program and its libraries. Most of those that a start or a reload used
   * are not needed again; the others come back from the kernel's page cache at the next access, some microseconds each.
   */
  release(): void {
    if (this.#addon === undefined) return;
    this.#addon.trimAllocator();
    const errno = this.#addon.releaseProgramPages();
    if (errno === 0) this.#conditions.recovered('memory', 'releasing program pages works again');
    else this.#conditions.failing('memory', 'cannot release program pages', getSystemErrorName(-errno));
  }
}

function loadAddon(logger: Logger): Addon | undefined {
  const path = [join(HERE, ADDON), join(HERE, '../../dist', ADDON)].find((candidate) => existsSync(candidate));
  if (path === undefined) {
    logger.warn('addon not found, unused memory is not released', { file: ADDON });
    return undefined;
  }
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    logger.warn('cannot load the addon, unused memory is not released', { path, error: error as Error });
    return undefined;
  }
}
