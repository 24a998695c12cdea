import { existsSync } from 'node:fs';
import { readId } from '../cgroups/id.ts';
import { join } from 'node:path';
import { AddressTable } from './address-table.ts';
import { completeAncestors, isCut, readAncestors } from './ancestors.ts';
import { cgroupId, walkCgroups } from '../cgroups/cgroup.ts';
import { targetKey, type Peer, type Target, type TargetSource } from './target.ts';

/** A target whose cgroup exists on this machine. The object stays the same for the lifetime of the target. */
export interface LocalTarget extends Target {
  readonly cgroup: string;
  readonly key: string;
  /** The cgroup's directory. */
  readonly folder: string;
  readonly id: bigint;
}

/** A cgroup with counts. */
export interface Leaf {
  readonly id: bigint;
  /** Parent, grandparent, ... as recorded by the kernel programs. */
  ancestors: readonly bigint[];
  path: string | undefined;
  /** When its directory was found to be deleted, in milliseconds. Ids are not reused. */
  goneSince: number | undefined;
  /** Number of rows in kernel maps with this cgroup. */
  rows: number;
}

/** The kernel's map of cgroups: id -> ids of its ancestors. */
export interface CgroupMap {
  /** Maximum number of rows. */
  readonly capacity: number;
  read(): { readonly count: number; readonly keys: Buffer; readonly values: Buffer };
  delete(key: Uint8Array): boolean;
}

export interface DirectoryOptions {
  readonly sources: readonly TargetSource[];
  /** Mount point of the hierarchy to which the ids belong, without a trailing slash. */
  readonly cgroupfs: string;
  readonly cgroups: CgroupMap;
  /** Targets without this file in their directory are skipped. */
  readonly requiredFile?: string;
}

/** Milliseconds for which a deleted cgroup without rows is kept: its orphaned sockets may count for a minute or two. */
const FORGET_MS = 180_000;
/**
 * The same, while more than half of the kernel's map is in use. A new cgroup without a row loses all its counts; one
 * that is removed too early only loses those of its last closing sockets.
 */
const FORGET_PRESSED_MS = 10_000;

const ID_BYTES = 8;

/**
 * Current attribution on this machine: targets whose cgroups exist, cgroups below them, and targets behind peer
 * addresses. Refreshed before each scrape.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #leaves = new Map<bigint, Leaf>();
  #local = new Map<string, LocalTarget>();
  #byId = new Map<bigint, LocalTarget>();
  #addresses = new AddressTable([]);
  #seen: readonly (readonly Target[])[] = [];
  #generation = 0;
  #cgroupRows = 0;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Changes when a result of `targetOf` or `peer` may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** Rows of the kernel's map of cgroups at the last refresh. */
  get cgroupRows(): number {
    return this.#cgroupRows;
  }

  /** The targets whose cgroups exist, in the order of their sources. */
  get targets(): Iterable<LocalTarget> {
    return this.#local.values();
  }

  has(target: LocalTarget): boolean {
    return this.#local.get(target.key) === target;
  }

  /** True if there is an instance with this `targetKey`. */
  hasInstance(key: string): boolean {
    return this.#local.has(key);
  }

  /** `now` is in milliseconds. */
  refresh(now: number): void {
    this.#readSources();
    this.#resolveTargets();
    this.#readCgroups();
    this.#findVanished(now);
  }

  #readSources(): void {
    const seen = this.#options.sources.map((source) => source.targets);
    if (seen.length === this.#seen.length && seen.every((targets, index) => targets === this.#seen[index])) return;
    this.#seen = seen;
    this.#addresses = new AddressTable(seen.flat());
    this.#generation++;
  }

  #resolveTargets(): void {
    const local = new Map<string, LocalTarget>();
    for (const target of this.#seen.flat()) {
      const resolved = this.#resolve(target);
      // If two sources have the same instance, the first one wins.
      if (resolved !== undefined && !local.has(resolved.key)) local.set(resolved.key, resolved);
    }
    const same =
      local.size === this.#local.size && [...local.values()].every((target) => this.#local.get(target.key) === target);
    if (same) return;
    this.#local = local;
    this.#byId = new Map([...local.values()].map((target) => [target.id, target]));
    this.#generation++;
  }

  #resolve(target: Target): LocalTarget | undefined {
    if (target.cgroup === undefined) return undefined;
    const { cgroupfs, requiredFile } = this.#options;
    const folder = cgroupfs + target.cgroup;
    const id = cgroupId(folder);
    if (id === undefined || (requiredFile !== undefined && !existsSync(join(folder, requiredFile)))) return undefined;
    const key = targetKey(target);
    const known = this.#local.get(key);
    if (known?.id === id && sameDescription(known, target)) return known;
    return { ...target, cgroup: target.cgroup, key, folder, id };
  }

  #readCgroups(): void {
    const { count, keys, values } = this.#options.cgroups.read();
    this.#cgroupRows = count;
    if (count === 0) return;
    const width = values.length / count;
    const cut: Leaf[] = [];
    for (let index = 0; index < count; index++) {
      const id = readId(keys, index * ID_BYTES);
      const leaf = this.#leaves.get(id);
      if (leaf !== undefined && leaf.ancestors.length > 0) continue;
      const ancestors = readAncestors(values, index * width, width);
      if (leaf !== undefined && ancestors.length > 0) this.#generation++;
      const current = leaf ?? this.leaf(id);
      current.ancestors = ancestors;
      if (isCut(ancestors, width)) cut.push(current);
    }
    if (cut.length > 0) completeAncestors(cut, this.#options.cgroupfs);
  }

  #findVanished(now: number): void {
    const lost = new Map<bigint, Leaf>();
    for (const leaf of this.#leaves.values()) {
      if (leaf.goneSince !== undefined) this.#forget(leaf, now);
      else if (leaf.path === undefined || cgroupId(leaf.path) !== leaf.id) lost.set(leaf.id, leaf);
    }
    if (lost.size === 0) return;
    for (const folder of walkCgroups(this.#options.cgroupfs)) {
      const leaf = lost.get(folder.id);
      if (leaf === undefined) continue;
      leaf.path = folder.path;
      lost.delete(folder.id);
    }
    for (const leaf of lost.values()) leaf.goneSince = now;
  }

  #forget(leaf: Leaf, now: number): void {
    const pressed = this.#cgroupRows > this.#options.cgroups.capacity / 2;
    if (leaf.rows > 0 || now - (leaf.goneSince ?? now) < (pressed ? FORGET_PRESSED_MS : FORGET_MS)) return;
    this.#leaves.delete(leaf.id);
    const key = Buffer.alloc(ID_BYTES);
    key.writeBigUInt64LE(leaf.id);
    this.#options.cgroups.delete(key);
  }

  /** The cgroup with this id, added if it is new. */
  leaf(id: bigint): Leaf {
    let leaf = this.#leaves.get(id);
    if (leaf === undefined) {
      leaf = newLeaf(id, []);
      this.#leaves.set(id, leaf);
    }
    return leaf;
  }

  /** The target of a cgroup: its own, or that of the nearest ancestor. */
  targetOf(leaf: Leaf): LocalTarget | undefined {
    const own = this.#byId.get(leaf.id);
    if (own !== undefined) return own;
    for (const id of leaf.ancestors) {
      const target = this.#byId.get(id);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  /** The service behind a peer's address, given as 16 bytes in a latin1 string. */
  peer(bytes: string, port: number): Peer | undefined {
    const target = this.#addresses.find(bytes, port);
    if (target !== undefined) return target;
    for (const source of this.#options.sources) {
      const peer = source.peer?.(bytes, port);
      if (peer !== undefined) return peer;
    }
    return undefined;
  }
}

function newLeaf(id: bigint, ancestors: readonly bigint[]): Leaf {
  return { id, ancestors, path: undefined, goneSince: undefined, rows: 0 };
}

function sameDescription(known: LocalTarget, target: Target): boolean {
  return (
    known.cgroup === target.cgroup &&
    known.monitored === target.monitored &&
    known.workloadKind === target.workloadKind &&
    known.node === target.node
  );
}
