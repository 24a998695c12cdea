import { release } from 'node:os';
import type { Logger } from '../../daemon/logger.ts';
import { BpfError, capabilityMask, dropCapabilities, type Capability } from '../../native/index.ts';

/** Required to load and attach any program, see docs/privileges.md. */
const NEEDED: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

/**
 * Kept if granted, although nothing requires them: configuration files that only other users may read (at a reload),
 * and /proc mounted with hidepid. They only allow reads.
 */
const READING: readonly Capability[] = ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'];

/** All that the start may need: also CAP_SYS_ADMIN, which includes NEEDED, and a port below 1024. */
const STARTING: readonly Capability[] = [...NEEDED, ...READING, 'CAP_SYS_ADMIN', 'CAP_NET_BIND_SERVICE'];

/** The use of each capability, as printed by the command `check`. */
const USES: Readonly<Partial<Record<Capability, string>>> = {
  CAP_BPF: 'every program (CAP_SYS_ADMIN includes it)',
  CAP_PERFMON: 'every program (CAP_SYS_ADMIN includes it)',
  CAP_SYS_ADMIN: 'nothing, if the first two are granted',
  CAP_SYS_PTRACE: 'memory of processes, if /proc is mounted with hidepid',
  CAP_DAC_READ_SEARCH: 'configuration files that only other users may read',
  CAP_NET_BIND_SERVICE: 'listening on a port below 1024',
};

/** The capabilities with a use, and whether they are permitted to a process, by its /proc/<pid>/status. */
export function capabilitiesOf(
  status: string,
): readonly { readonly name: Capability; readonly granted: boolean; readonly neededBy: string }[] {
  const permitted = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return (Object.keys(USES) as Capability[]).map((name) => ({
    name,
    granted: (permitted & capabilityMask([name])) !== 0n,
    neededBy: USES[name] ?? '',
  }));
}

/** The capabilities required for BPF tracing that a process lacks, by its /proc/<pid>/status. */
export function missingCapabilities(status: string): readonly Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const has = (name: Capability) => (effective & capabilityMask([name])) !== 0n;
  // It includes both: before kernel 5.8 there was only CAP_SYS_ADMIN.
  return has('CAP_SYS_ADMIN') ? [] : NEEDED.filter((name) => !has(name));
}

/**
 * The capabilities needed after the programs are attached. Reading an open map needs none, but before kernel 6.0
 * (commit c8644cd0efe7) the sysctl kernel.unprivileged_bpf_disabled forbids every bpf() call without CAP_BPF.
 *
 * @param kernel as `uname -r` gives it.
 */
export function keptCapabilities(kernel: string): readonly Capability[] {
  const major = Number.parseInt(kernel, 10);
  return major >= 6 ? READING : [...READING, 'CAP_BPF'];
}

/**
 * Drops all capabilities that the start does not need, permanently, and makes the rest effective: file capabilities may
 * be only permitted, so that the program can also be executed without some of them.
 */
export function takePrivileges(logger: Logger): void {
  keepPrivileges(STARTING, logger);
}

/** Drops the capabilities that are no longer needed, permanently. */
export function dropPrivileges(logger: Logger): void {
  keepPrivileges(keptCapabilities(release()), logger);
}

/** A refusal by the kernel is a warning, not fatal. */
function keepPrivileges(capabilities: readonly Capability[], logger: Logger): void {
  try {
    dropCapabilities(capabilities);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    logger.warn('cannot drop capabilities', { error });
  }
}
