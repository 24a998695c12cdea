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
    return "report it with what --log.level=debug shows: this kernel's verifier doesn't take the program";
  }
  if (FORBIDDEN.has(errno)) {
    const capability = isOfCgroups(program) ? 'grant CAP_NET_ADMIN, or ' : '';
    return `${capability}let the security policy of this machine (seccomp, LSM, lockdown) allow it`;
  }
  if (NOT_BUILT.has(errno)) return 'use a kernel that is built with it';
  if (errno === 'E2BIG') return 'use a later kernel: this one takes smaller programs only';
  if (errno === 'ENOMEM') return 'give it memory: raise the limit of its cgroup, or lower --bpf.max-services';
  return 'report it';
}

/** Logs a refusal on one line, and at debug level what the verifier wrote. */
export function logRefusal(refusal: Refusal, needs: Iterable<KernelNeeds>, logger: Logger): void {
  const { program, at, error } = refusal;
  logger.warn('kernel program does not run', {
    program,
    at,
    errno: error.errno,
    error,
    lost: lossOf(program, needs),
    remedy: `${remedyOf(refusal)}; or --no-collector.<name> for what is lost`,
  });
  if (error.verifierLog !== undefined) logger.debug('verifier', { program, log: error.verifierLog });
}
