import { cgroupId, walkCgroups } from '../cgroups/cgroup.ts';
import { readId } from '../cgroups/id.ts';
import { completeAncestors, isCut } from './ancestors.ts';
import { CgroupInfo, newLeaf, readNames, type Leaf } from './leaf.ts';

/** A plain kernel map. */
export interface PlainMap {
  read(): { readonly count: number; readonly keys: Buffer; readonly values: Buffer };
  /** Returns false if there is no room for the row. */
  update(key: Uint8Array, value: Uint8Array): boolean;
  delete(key: Uint8Array): boolean;
}

/** The kernel's map of cgroups: id -> `struct cgroup_info`. */
export interface CgroupMap extends PlainMap {
  /** Maximum number of rows. */
  readonly capacity: number;
}

/** Milliseconds for which a deleted cgroup without rows is kept: its orphaned sockets may count for a minute or two. */
const FORGET_MS = 180_000;
/**
 * The same, while more than half of the kernel's map is in use. A new cgroup without a row loses all its counts; one
 * that is removed too early only loses those of its last closing sockets.
 */
const FORGET_PRESSED_MS = 10_000;

const ID_BYTES = 8;

export interface LeavesOptions {
  /** Mount point of the hierarchy, without a trailing slash. */
  readonly cgroupfs: string;
  readonly cgroups: CgroupMap;
  /** Paths of new cgroups: id -> `struct cgroup_path`. */
  readonly paths?: PlainMap;
}

/** What a refresh found. */
export interface Changes {
  /** New paths. */
  readonly paths: readonly string[];
  /** True if the attribution of a cgroup that was known before may have changed. */
  readonly isChanged: boolean;
}

/** The cgroups with counts: all in the kernel's map, and those in other maps' rows. */
export class Leaves {
  readonly #options: LeavesOptions;
  readonly #leaves = new Map<bigint, Leaf>();
  readonly #infos = new Map<bigint, CgroupInfo>();
  /** Paths that were incomplete at the last refresh. */
  #incomplete = new Set<bigint>();
  #now = 0;
  #bookedAt = Infinity;
  /** Set once the kernel's map is more than half full, until all deleted cgroups have been forgotten. */
  #isPressed = false;

  constructor(options: LeavesOptions) {
    this.#options = options;
  }

  /** Rows of the kernel's map as of the last refresh. */
  get infos(): ReadonlyMap<bigint, CgroupInfo> {
    return this.#infos;
  }

  all(): Iterable<Leaf> {
    return this.#leaves.values();
  }

  /** The cgroup with this id, added if it is new. */
  leaf(id: bigint): Leaf {
    let leaf = this.#leaves.get(id);
    if (leaf === undefined) {
      leaf = newLeaf(id, this.#now);
      this.#leaves.set(id, leaf);
    }
    return leaf;
  }

  /** All counts up to now, in milliseconds, have been attributed: deleted cgroups may be forgotten. */
  booked(now: number): void {
    this.#bookedAt = now;
  }

  /** Reads the kernel's maps. */
  read(now: number): Changes {
    this.#now = now;
    const known = new Set(this.#leaves.keys());
    const changed = this.#readCgroups();
    const paths = this.#readPaths();
    return {
      paths: paths.flatMap(({ path }) => (path === undefined ? [] : [path])),
      isChanged: [...changed, ...paths].some(({ id }) => known.has(id)),
    };
  }

  /** Returns the cgroups whose ancestors are new. */
  #readCgroups(): readonly Leaf[] {
    const { count, keys, values } = this.#options.cgroups.read();
    this.#infos.clear();
    const width = values.length / count;
    const changed: Leaf[] = [];
    for (let index = 0; index < count; index++) {
      const id = readId(keys, index * ID_BYTES);
      const info = new CgroupInfo(values.subarray(index * width, (index + 1) * width));
      this.#infos.set(id, info);
      const leaf = this.leaf(id);
      leaf.state = info.state;
      if (leaf.ancestors.length > 0) continue;
      leaf.ancestors = info.ancestors;
      if (leaf.ancestors.length > 0) changed.push(leaf);
    }
    const cut = changed.filter(({ ancestors }) => isCut(ancestors));
    if (cut.length > 0) completeAncestors(cut, this.#options.cgroupfs);
    return changed;
  }

  /** Returns the cgroups whose paths are new. */
  #readPaths(): readonly Leaf[] {
    const { paths, cgroupfs } = this.#options;
    const rows = paths?.read();
    if (paths === undefined || rows === undefined || rows.count === 0) return [];
    const mount = cgroupId(cgroupfs);
    const width = rows.values.length / rows.count;
    const incomplete = new Set<bigint>();
    const changed: Leaf[] = [];
    for (let index = 0; index < rows.count; index++) {
      const id = readId(rows.keys, index * ID_BYTES);
      const names = readNames(rows.values.subarray(index * width, (index + 1) * width));
      if (names === undefined && !this.#incomplete.has(id)) {
        // Another CPU is writing it, or it is too long and stays incomplete.
        incomplete.add(id);
        continue;
      }
      paths.delete(rows.keys.subarray(index * ID_BYTES, (index + 1) * ID_BYTES));
      const leaf = this.leaf(id);
      const below = names && mount !== undefined ? leaf.ancestors.indexOf(mount) + 1 : 0;
      if (names === undefined || below === 0) continue;
      leaf.path = [cgroupfs, ...names.slice(0, below).toReversed()].join('/');
      leaf.isRecorded = true;
      changed.push(leaf);
    }
    this.#incomplete = incomplete;
    return changed;
  }

  /** Finds deleted cgroups, and forgets those that are no longer needed; `forget` sees each of them. */
  findVanished(now: number, forget: (leaf: Leaf) => void): void {
    const lost = new Map<bigint, Leaf>();
    let areGone = false;
    this.#isPressed ||= this.#infos.size > this.#options.cgroups.capacity / 2;
    for (const leaf of this.#leaves.values()) {
      if (leaf.goneSince !== undefined) areGone = !this.#forget(leaf, now, forget) || areGone;
      else if (leaf.path !== undefined && cgroupId(leaf.path) === leaf.id) continue;
      // A cgroup of version 2 cannot be renamed.
      else if (leaf.isRecorded) leaf.goneSince = now;
      else lost.set(leaf.id, leaf);
    }
    this.#isPressed &&= areGone;
    if (lost.size === 0) return;
    for (const folder of walkCgroups(this.#options.cgroupfs)) {
      const leaf = lost.get(folder.id);
      if (leaf === undefined) continue;
      leaf.path = folder.path;
      lost.delete(folder.id);
    }
    for (const leaf of lost.values()) leaf.goneSince = now;
  }

  /** Returns false if the cgroup is still needed. */
  #forget(leaf: Leaf, now: number, forget: (leaf: Leaf) => void): boolean {
    const since = leaf.goneSince ?? now;
    // Rows that nobody has read yet still need it.
    if (leaf.rows > 0 || this.#bookedAt <= since) return false;
    if (now - since < (this.#isPressed ? FORGET_PRESSED_MS : FORGET_MS)) return false;
    forget(leaf);
    this.#leaves.delete(leaf.id);
    this.#options.cgroups.delete(idKey(leaf.id));
    return true;
  }
}

/** The key of a map of cgroup ids. */
export function idKey(id: bigint): Buffer {
  const key = Buffer.alloc(ID_BYTES);
  key.writeBigUInt64LE(id);
  return key;
}
