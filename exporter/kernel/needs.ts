/** A loss: the collector exports nothing without the program. */
export const ALL = 'all';

/** Sizes of kernel maps. */
export interface MapLimits {
  /** Maximum number of cgroups with counts. */
  readonly maxServices: number;
  /** Maximum number of pairs of cgroup and peer with counts. */
  readonly maxEdges: number;
}

/** The BPF programs and maps of a collector. */
export interface KernelNeeds {
  readonly name: string;
  /** Program -> the loss without it: `ALL`, or a short text. Programs are attached in this order. */
  readonly programs: Readonly<Record<string, string>>;
  /**
   * Family -> the programs that it needs; without one of them it is not exported. A collector without any family counts
   * as unavailable.
   */
  readonly countedBy?: Readonly<Record<string, readonly string[]>>;
  /** Kernel map -> maximum number of rows. */
  readonly maps?: Readonly<Record<string, (limits: MapLimits) => number>>;
  /** A tunable of the BPF object: 1 if the collector is enabled, otherwise 0. */
  readonly tunable?: string;
  /** The map whose lost events include those that the kernel skipped for the programs. Default: `services`. */
  readonly lostMap?: string;
  /** Set if the collector counts activity of sockets. */
  readonly ofSockets?: true;
}
