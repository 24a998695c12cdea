import { loadAddon } from './addon.ts';

/**
 * Gives back the memory that holds pages of node's own file: most of what it needed in order to start isn't needed
 * again. What is comes back from the kernel's page cache at the next access, some microseconds each.
 *
 * @throws BpfError MEMORY: the kernel refused.
 */
export function releaseProgramPages(): void {
  loadAddon().releaseProgramPages();
}
