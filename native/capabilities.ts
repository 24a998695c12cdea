import { loadAddon } from './addon.ts';

/** The capabilities that a part of the project may need, by their numbers in linux/capability.h. */
export const CAPABILITIES = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** The bits of capabilities as in /proc/<pid>/status. */
export function capabilityMask(names: Iterable<Capability>): bigint {
  let mask = 0n;
  for (const name of names) mask |= 1n << BigInt(CAPABILITIES[name]);
  return mask;
}

/**
 * Takes every capability but those of `keep` from every thread of the process, for good: programs that it starts don't
 * get them back either, root's included. What the process wasn't permitted, it doesn't get; what it keeps is in effect.
 *
 * @throws BpfError CAPABILITIES: the kernel refused, or a thread didn't answer (ETIMEDOUT).
 */
export function dropCapabilities(keep: readonly Capability[]): void {
  loadAddon().dropCapabilities(capabilityMask(keep));
}
