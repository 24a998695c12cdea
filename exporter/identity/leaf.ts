import { readId } from '../cgroups/id.ts';

/** `enum cgroup_state` of bpf/shared/attribution.h. */
export const STATES = { unclassified: 0, monitored: 1, unmonitored: 2 } as const;
export type State = (typeof STATES)[keyof typeof STATES];

/** Kernel maps whose rows are shared among the cgroups, by their index in `enum shared_map`. */
export const SHARED_MAPS = ['edges', 'listeners', 'udp_edges', 'port_protocols'] as const;
export type SharedMap = (typeof SHARED_MAPS)[number];

/** A value for each shared map. */
export function perMap<T>(value: () => T): Record<SharedMap, T> {
  return { edges: value(), listeners: value(), udp_edges: value(), port_protocols: value() };
}

/** `struct cgroup_info`: ancestors that it has room for. */
export const MAX_ANCESTORS = 12;
/** Offsets in bytes. */
const STATE = 8 * MAX_ANCESTORS;
const ROWS = STATE + 4;
const REFUSED = ROWS + 4 * SHARED_MAPS.length;
export const CGROUP_INFO_SIZE = 136;

/** `struct cgroup_path`. */
const NAMES = 4;

/** A cgroup with counts. */
export interface Leaf {
  readonly id: bigint;
  /** Parent, grandparent, ... as recorded by the kernel programs. */
  ancestors: readonly bigint[];
  /** Its directory. */
  path: string | undefined;
  /** True if the kernel programs recorded the path, when the cgroup was new. */
  isRecorded: boolean;
  /** When it was found to be deleted, in milliseconds. Ids are not reused. */
  goneSince: number | undefined;
  /** When its counts last changed, in milliseconds; -Infinity: never. */
  changedAt: number;
  /** Number of rows in kernel maps with this cgroup. */
  rows: number;
  /** When it became known, in milliseconds. */
  readonly since: number;
  /** What the kernel programs know. */
  state: State;
  /** Rows of each shared map deleted since the kernel's number was last corrected. */
  readonly freed: Record<SharedMap, number>;
  /** Rows of each shared map that it was refused and that have been counted. */
  readonly refused: Record<SharedMap, number>;
}

export function newLeaf(id: bigint, since = 0): Leaf {
  return {
    id,
    ancestors: [],
    path: undefined,
    isRecorded: false,
    goneSince: undefined,
    changedAt: -Infinity,
    rows: 0,
    since,
    state: STATES.unclassified,
    freed: perMap(() => 0),
    refused: perMap(() => 0),
  };
}

/** One row of the kernel's map of cgroups, `struct cgroup_info`; a view. */
export class CgroupInfo {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get ancestors(): readonly bigint[] {
    const ancestors: bigint[] = [];
    for (let offset = 0; offset < STATE; offset += 8) {
      const id = readId(this.bytes, offset);
      if (id === 0n) break;
      ancestors.push(id);
    }
    return ancestors;
  }

  get state(): State {
    return this.bytes.readUInt32LE(STATE) as State;
  }

  set state(state: State) {
    this.bytes.writeUInt32LE(state, STATE);
  }

  rows(map: SharedMap): number {
    return this.bytes.readInt32LE(ROWS + 4 * SHARED_MAPS.indexOf(map));
  }

  setRows(map: SharedMap, rows: number): void {
    this.bytes.writeInt32LE(Math.max(0, rows), ROWS + 4 * SHARED_MAPS.indexOf(map));
  }

  refused(map: SharedMap): number {
    return this.bytes.readUInt32LE(REFUSED + 4 * SHARED_MAPS.indexOf(map));
  }
}

/** The names in a `struct cgroup_path`, the cgroup's own first; undefined if it is incomplete. */
export function readNames(bytes: Buffer): readonly string[] | undefined {
  const length = bytes.readUInt32LE(0);
  // The last name ends with a NUL as well.
  return length === 0 ? undefined : bytes.toString('utf8', NAMES, NAMES + length - 1).split('\0');
}
