import { loadAddon } from './addon.ts';

/** Capabilities used in the project, by their numbers in linux/capability.h. */
export const CAPABILITIES = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_NET_BIND_SERVICE: 10,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** The bit mask of capabilities, as in /proc/<pid>/status. */
export function capabilityMask(names: Iterable<Capability>): bigint {
  let mask = 0n;
  for (const name of names) mask |= 1n << BigInt(CAPABILITIES[name]);
  return mask;
}

/**
 * Drops all capabilities except `keep` from every thread of the process, permanently: executed programs do not regain
 * them, not even as root. The process gains no capability that was not permitted; those that it keeps become effective.
 *
 * @throws BpfError CAPABILITIES: the kernel refused, or a thread did not answer (ETIMEDOUT).
 */
export function dropCapabilities(keep: readonly Capability[]): void {
  loadAddon().dropCapabilities(capabilityMask(keep));
}
