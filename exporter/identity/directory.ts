import { AddressTable } from './peers/address-table.ts';
import { STATES, type Leaf } from './leaf.ts';
import { Leaves, type LeavesOptions } from './leaves.ts';
import { LocalTargets, type LocalTarget, type LocalTargetsOptions } from './local-targets.ts';
import { Shares, type SharesOptions } from './shares.ts';
import type { Peer, Target, TargetSource } from './target.ts';

export interface DirectoryOptions extends LeavesOptions, LocalTargetsOptions {
  readonly sources: readonly TargetSource[];
  /** Without: the kernel's maps are not shared by these cgroups. */
  readonly shares?: Omit<SharesOptions, 'cgroups'>;
}

/**
 * Current attribution on this machine: targets whose cgroups exist, cgroups below them, and targets behind peer
 * addresses. Refreshed before each scrape, and between scrapes.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #leaves: Leaves;
  readonly #local: LocalTargets;
  readonly shares: Shares | undefined;
  #addresses = new AddressTable([]);
  #seen: readonly (readonly Target[])[] = [];
  #generation = 0;
  #exportedAt = -Infinity;
  #book: (() => void) | undefined;
  #onRevived = (): void => {};

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#leaves = new Leaves(options);
    this.#local = new LocalTargets(options);
    this.shares = options.shares && new Shares({ ...options.shares, cgroups: options.cgroups });
  }

  /** Changes when a result of `targetOf` or `peer` may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** Rows of the kernel's map of cgroups at the last refresh. */
  get cgroupRows(): number {
    return this.#leaves.infos.size;
  }

  /** The targets whose cgroups exist or were deleted a moment ago, in the order of their sources. */
  get targets(): Iterable<LocalTarget> {
    return this.#local.all();
  }

  /** True as well for a former target, whose counters go on if its cgroup is made again. */
  has(target: LocalTarget): boolean {
    return this.#local.has(target);
  }

  /** All targets that `has` knows. */
  get knownTargets(): Iterable<LocalTarget> {
    return this.#local.known();
  }

  /** Sets a callback that attributes all counts, called before a target whose cgroup was deleted may be dropped. */
  onForget(book: () => void): void {
    this.#book = book;
  }

  /** Sets a callback for cgroups that are monitored again: the programs have refused rows to their older sockets. */
  onRevived(listener: () => void): void {
    this.#onRevived = listener;
  }

  /** All counts up to now, in milliseconds, have been attributed. */
  booked(now: number): void {
    this.#leaves.booked(now);
  }

  /** The same, and a scrape has exported them. */
  exported(now: number): void {
    this.#exportedAt = now;
    this.booked(now);
  }

  /** The one of `targets` with this `targetKey`. */
  instance(key: string): LocalTarget | undefined {
    return this.#local.instance(key);
  }

  /** `now` is in milliseconds. */
  refresh(now: number): void {
    const { paths, isChanged } = this.#leaves.read(now);
    const unowned = this.#readSources() ? this.#unownedPaths() : [];
    if (this.#local.resolve(this.#seen.flat(), [...paths, ...unowned], now) || isChanged) this.#generation++;
    this.#leaves.findVanished(now, (leaf) => this.shares?.forget(leaf, this.#leaves.infos.get(leaf.id)));
    this.#decide();
    this.#share(now);
  }

  /** Returns true if the targets have changed. */
  #readSources(): boolean {
    const seen = this.#options.sources.map((source) => source.targets);
    if (seen.length === this.#seen.length && seen.every((targets, index) => targets === this.#seen[index]))
      return false;
    this.#seen = seen;
    this.#addresses = new AddressTable(seen.flat());
    this.#generation++;
    return true;
  }

  /** Paths of deleted cgroups without a target: theirs may become known only now. */
  #unownedPaths(): readonly string[] {
    const paths: string[] = [];
    for (const leaf of this.#leaves.all()) {
      if (leaf.path !== undefined && leaf.goneSince !== undefined && this.targetOf(leaf) === undefined)
        paths.push(leaf.path);
    }
    return paths;
  }

  /** Keeps targets whose cgroups were deleted if they have counts that no scrape has exported. */
  #decide(): void {
    if (!this.#local.hasUndecided) return;
    this.#book?.();
    const unseen = new Set<LocalTarget>();
    for (const leaf of this.#leaves.all()) {
      const target = leaf.changedAt > this.#exportedAt ? this.targetOf(leaf) : undefined;
      if (target !== undefined) unseen.add(target);
    }
    if (this.#local.decide((target) => unseen.has(target))) this.#generation++;
  }

  #share(now: number): void {
    const revived = this.shares?.update({
      targets: this.targets,
      generation: this.#generation,
      leaves: this.#leaves.all(),
      infos: this.#leaves.infos,
      targetOf: (leaf) => this.targetOf(leaf),
      isReady: this.#options.sources.every(({ ready = true }) => ready === true),
      now,
    });
    if (revived === true) this.#onRevived();
  }

  /** The cgroup with this id, added if it is new. */
  leaf(id: bigint): Leaf {
    return this.#leaves.leaf(id);
  }

  /** True if nobody monitors the cgroup. The caller deletes its row of the kernel map `accept_queues`. */
  dismisses(cgroup: bigint): boolean {
    const leaf = this.leaf(cgroup);
    if (leaf.state !== STATES.unmonitored) return false;
    leaf.freed.listeners++;
    return true;
  }

  /** The target of a cgroup: its own, or that of the nearest ancestor. A deleted cgroup belongs to that of its path. */
  targetOf(leaf: Leaf): LocalTarget | undefined {
    const own = this.#local.byId(leaf.id);
    if (own !== undefined) return own;
    for (const id of leaf.ancestors) {
      const target = this.#local.byId(id);
      if (target !== undefined) return target;
    }
    return leaf.path === undefined ? undefined : this.#local.byPath(leaf.path);
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
