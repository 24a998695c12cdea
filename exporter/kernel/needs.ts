/** Everything a collector shows is lost without a program. */
export const ALL = 'all';

/** How many rows kernel maps get. */
export interface MapLimits {
  /** Cgroups counted at a time. */
  readonly maxServices: number;
  /** Pairs of a cgroup and a peer counted at a time. */
  readonly maxEdges: number;
}

/** What a collector needs of the kernel. */
export interface KernelNeeds {
  readonly name: string;
  /** Program -> what is lost without it: `ALL`, or a few words. They are attached in this order. */
  readonly programs: Readonly<Record<string, string>>;
  /**
   * Family -> the programs without which it isn't counted, and so left out. A collector of which nothing is counted is
   * lost as a whole.
   */
  readonly countedBy?: Readonly<Record<string, readonly string[]>>;
  /** Kernel map -> its rows. */
  readonly maps?: Readonly<Record<string, (limits: MapLimits) => number>>;
  /** The tunable of the BPF object that is 1 where the collector is chosen, else 0. */
  readonly tunable?: string;
  /** The slot of bpf/lost.h for events that the kernel kept from the programs. Default: `requests`. */
  readonly lostSlot?: string;
  /** Whether it counts what sockets do. */
  readonly ofSockets?: true;
}
