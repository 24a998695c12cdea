import { release } from 'node:os';
import type { Logger } from '../../daemon/logger.ts';
import { BpfError, capabilityMask, dropCapabilities, type Capability } from '../../native/index.ts';

/** What loading and attaching needs; nothing does without. docs/privileges.md has the table. */
const NEEDED: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

/**
 * What nothing needs, but whoever granted it may count on: files that only others may read (configuration at a reload,
 * /proc mounted with hidepid). They let a process read, not change.
 */
const READING: readonly Capability[] = ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'];

/** What the start may need besides: packets of cgroups, a port below 1024; and what stands for the first two. */
const STARTING: readonly Capability[] = [
  ...NEEDED,
  ...READING,
  'CAP_SYS_ADMIN',
  'CAP_NET_ADMIN',
  'CAP_NET_BIND_SERVICE',
];

/** What each capability is for, in the words of the command `check`. */
const USES: Readonly<Partial<Record<Capability, string>>> = {
  CAP_BPF: 'every program (CAP_SYS_ADMIN includes it)',
  CAP_PERFMON: 'every program (CAP_SYS_ADMIN includes it)',
  CAP_SYS_ADMIN: 'nothing, if the first two are granted',
  CAP_NET_ADMIN: 'the collector http_status',
  CAP_SYS_PTRACE: 'memory of processes, if /proc is mounted with hidepid',
  CAP_DAC_READ_SEARCH: 'configuration files that only other users may read',
  CAP_NET_BIND_SERVICE: 'listening on a port below 1024',
};

/** The capabilities that something may need, and whether this process, by its /proc/<pid>/status, may have them. */
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

/** The capabilities that BPF tracing needs and this process, by its /proc/<pid>/status, hasn't. */
export function missingCapabilities(status: string): readonly Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const has = (name: Capability) => (effective & capabilityMask([name])) !== 0n;
  // It has stood for both since before there were any others.
  return has('CAP_SYS_ADMIN') ? [] : NEEDED.filter((name) => !has(name));
}

/**
 * What is still needed once the programs are attached. Reading a map that is open needs nothing; but before kernel 6.0
 * (commit c8644cd0efe7) the setting kernel.unprivileged_bpf_disabled forbids every bpf() call without CAP_BPF.
 *
 * @param kernel as `uname -r` gives it.
 */
export function keptCapabilities(kernel: string): readonly Capability[] {
  const major = Number.parseInt(kernel, 10);
  return major >= 6 ? READING : [...READING, 'CAP_BPF'];
}

/**
 * Gives up, for good, what the start doesn't need, and takes the rest into effect: the program's file may have made them
 * permitted only, so that it can be executed without some of them.
 */
export function takePrivileges(logger: Logger): void {
  keepPrivileges(STARTING, logger);
}

/** Gives up, for good, what isn't needed any more. */
export function dropPrivileges(logger: Logger): void {
  keepPrivileges(keptCapabilities(release()), logger);
}

/** A kernel that refuses is worth a warning, not an end. */
function keepPrivileges(capabilities: readonly Capability[], logger: Logger): void {
  try {
    dropCapabilities(capabilities);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    logger.warn('cannot drop capabilities', { error });
  }
}
