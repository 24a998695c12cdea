import type { Logger } from '../../daemon/logger.ts';
import type { BpfError } from '../../native/index.ts';
import type { KernelNeeds } from './needs.ts';
import { isOfCgroups } from './programs.ts';

/** Why a program doesn't run: the kernel has no such hook, or refused it when it was loaded, attached or run. */
export interface Refusal {
  readonly program: string;
  readonly at: 'hook' | 'load' | 'attach' | 'run';
  readonly error: BpfError;
}

/** What its absence costs these collectors: `collector: what`, separated by semicolons. */
export function lossOf(program: string, needs: Iterable<KernelNeeds>): string {
  return [...needs]
    .flatMap(({ name, programs }) => (programs[program] === undefined ? [] : [`${name}: ${programs[program]}`]))
    .join('; ');
}

/** Where a policy says no; the kernel answers the same for all of them. */
const FORBIDDEN = new Set(['EPERM', 'EACCES']);
/** The kernel was built without what the program is made of. */
const NOT_BUILT = new Set(['ENOSYS', 'EOPNOTSUPP', 'ENOTSUPP']);

/** What the user can do, in one sentence. */
export function remedyOf({ program, at, error }: Refusal): string {
  const { errno, verifierLog = '' } = error;
  if (at === 'hook') return 'use a kernel that has this hook (docs/kernels.md)';
  if (verifierLog.trim() !== '') {
    return "this kernel's verifier rejects the program: report it with the output of --log.level=debug";
  }
  if (FORBIDDEN.has(errno)) {
    const capability = isOfCgroups(program) ? 'grant CAP_NET_ADMIN, or ' : '';
    return `${capability}allow it in the security policy of this machine (seccomp, LSM, lockdown)`;
  }
  if (NOT_BUILT.has(errno)) return 'use a kernel that is built with this feature';
  if (errno === 'E2BIG') return 'use a newer kernel: this one only accepts smaller programs';
  if (errno === 'ENOMEM') return 'raise the memory limit of the exporter, or lower --bpf.max-services';
  return 'report this as a bug';
}

/** Logs a refusal on one line, and at debug level what the verifier wrote. */
export function logRefusal(refusal: Refusal, needs: Iterable<KernelNeeds>, logger: Logger): void {
  const { program, at, error } = refusal;
  logger.warn('BPF program not running', {
    program,
    at,
    errno: error.errno,
    error,
    lost: lossOf(program, needs),
    remedy: `${remedyOf(refusal)}; or disable the collector with --no-collector.<name>`,
  });
  if (error.verifierLog !== undefined) logger.debug('verifier', { program, log: error.verifierLog });
}
