/**
 * The failed operation: opening the object file or its options, bpf(2) as a whole, loading (verifier, security policy,
 * memory), attaching, running, an operation on a map, reading an iterator, any call after `close()`, dropping capabilities.
 */
export type BpfErrorCode =
  | 'BPF_OPEN'
  | 'BPF_REFUSED'
  | 'BPF_LOAD'
  | 'BPF_ATTACH'
  | 'BPF_RUN'
  | 'BPF_MAP'
  | 'BPF_ITERATOR'
  | 'BPF_CLOSED'
  | 'CAPABILITIES';

/** A failure of the kernel or of libbpf. */
export class BpfError extends Error {
  override readonly name = 'BpfError';
  readonly code: BpfErrorCode;
  /** The kernel's or libbpf's error by name: `EPERM`, `E2BIG`, `LIBBPF_ERRNO__FORMAT`. */
  readonly errno: string;
  /** The verifier's log; only with `BPF_LOAD`, and only if the verifier ran. */
  declare readonly verifierLog?: string;

  /** The addon also calls it, with the arguments in this order. */
  constructor(message: string, code: BpfErrorCode, errno: string, verifierLog?: string) {
    super(message);
    this.code = code;
    this.errno = errno;
    if (verifierLog !== undefined) this.verifierLog = verifierLog;
  }
}
