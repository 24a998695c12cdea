import type { Logger } from '../daemon/logger.ts';
import { BpfError, releaseProgramPages } from '../native/index.ts';

/**
 * Once, when the start is over. A node process that serves scrapes uses half of the forty megabytes of node's code that
 * its start went through. A kernel that refuses is worth a warning, not an end.
 */
export function releaseStartMemory(logger: Logger): void {
  try {
    releaseProgramPages();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    logger.warn('memory of the start not released', { error });
  }
}
