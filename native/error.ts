/**
 * What failed: opening the object file or its options, bpf(2) as a whole, loading (the kernel's verifier, a policy, no
 * memory), attaching, running, an operation on a map, reading an iterator, anything after `close()`, giving up capabilities.
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
  /** Why the verifier refused a program, in its own words; only with `BPF_LOAD`, and only if it got so far. */
  declare readonly verifierLog?: string;

  /** Called by the addon as well, with the arguments in this order. */
  constructor(message: string, code: BpfErrorCode, errno: string, verifierLog?: string) {
    super(message);
    this.code = code;
    this.errno = errno;
    if (verifierLog !== undefined) this.verifierLog = verifierLog;
  }
}
