import type { Logger } from '../../daemon/logger.ts';
import type { BpfError } from '../../native/index.ts';
import type { KernelNeeds } from './needs.ts';

/** The reason why a program does not run: the kernel has no hook, or refused to load, attach or run it. */
export interface Refusal {
  readonly program: string;
  readonly at: 'hook' | 'load' | 'attach' | 'run';
  readonly error: BpfError;
}

/** The loss for these collectors without the program: `collector: loss`, separated by semicolons. */
export function lossOf(program: string, needs: Iterable<KernelNeeds>): string {
  return [...needs]
    .flatMap(({ name, programs }) => (programs[program] === undefined ? [] : [`${name}: ${programs[program]}`]))
    .join('; ');
}

/** Errors of a security policy; the kernel returns the same ones for all policies. */
const FORBIDDEN = new Set(['EPERM', 'EACCES']);
/** The kernel was built without a feature that the program uses. */
const NOT_BUILT = new Set(['ENOSYS', 'EOPNOTSUPP', 'ENOTSUPP']);

/** The remedy for the user, in one sentence. */
export function remedyOf({ at, error }: Refusal): string {
  const { errno, verifierLog = '' } = error;
  if (at === 'hook') return 'use a kernel that has this hook (docs/kernels.md)';
  if (verifierLog.trim() !== '') {
    return "this kernel's verifier rejects the program: report it with the output of --log.level=debug";
  }
  if (FORBIDDEN.has(errno)) return 'allow it in the security policy of this machine (seccomp, LSM, lockdown)';
  if (NOT_BUILT.has(errno)) return 'use a kernel that is built with this feature';
  if (errno === 'E2BIG') return 'use a newer kernel: this one only accepts smaller programs';
  if (errno === 'ENOMEM') return 'raise the memory limit of the exporter, or lower --bpf.max-services';
  return 'report this as a bug';
}

/** Logs a refusal on one line, and the verifier's log at debug level. */
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
