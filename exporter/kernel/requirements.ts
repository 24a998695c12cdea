import { existsSync, readFileSync } from 'node:fs';
import { missingCapabilities } from './privileges.ts';

/** The machine lacks a requirement of BPF programs. The message is for the user. */
export class RequirementError extends Error {
  readonly code = 'REQUIREMENT';
  override readonly name = 'RequirementError';
}

export const BTF_PATH = '/sys/kernel/btf/vmlinux';

/** @throws RequirementError with what is missing, in one line. */
export function checkRequirements(): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'latin1'));
  if (missing.length > 0) {
    throw new RequirementError(
      `missing ${missing.join(' and ')}: run as root, or grant ${missing.length > 1 ? 'them' : 'it'}`,
    );
  }
  if (!existsSync(BTF_PATH)) {
    throw new RequirementError(`${BTF_PATH} not found: use a kernel built with CONFIG_DEBUG_INFO_BTF`);
  }
}
