import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupId } from '../cgroups/cgroup.ts';
import { targetKey, type Target } from './target.ts';

/**
 * A target whose cgroup exists on this machine, or did a moment ago. The object stays the same for the lifetime of the
 * target, also if its cgroup is deleted and made again.
 */
export interface LocalTarget extends Target {
  readonly cgroup: string;
  readonly key: string;
  /** The cgroup's directory. */
  readonly folder: string;
  /** GONE_ID if the cgroup was deleted before it was seen. */
  readonly id: bigint;
  /** When its cgroup was found to be deleted, in milliseconds. */
  readonly goneSince: number | undefined;
}

/** An id that no cgroup has. */
export const GONE_ID = 0n;

type Known = { -readonly [K in keyof LocalTarget]: LocalTarget[K] };

/**
 * Milliseconds for which a target is kept after its cgroup was deleted, if it has counts that no scrape has seen: longer
 * than the usual intervals between scrapes, up to a minute.
 */
export const LINGER_MS = 70_000;

export interface LocalTargetsOptions {
  readonly cgroupfs: string;
  /** Targets without this file in their directory are skipped. */
  readonly requiredFile?: string;
}

/** The targets of this machine, by name, id and path of their cgroup. */
export class LocalTargets {
  readonly #options: LocalTargetsOptions;
  #local = new Map<string, Known>();
  /** Targets of the sources that had a cgroup once: their counters go on if it is made again. */
  #former = new Map<string, Known>();
  /** Targets whose cgroup was found to be deleted: whether they are kept is not decided yet. */
  readonly #undecided = new Set<Known>();
  #byId = new Map<bigint, Known>();
  #byPath = new Map<string, Known>();

  constructor(options: LocalTargetsOptions) {
    this.#options = options;
  }

  all(): Iterable<LocalTarget> {
    return this.#local.values();
  }

  /** True as well for a former target: one without a cgroup that may be made again. */
  has(target: LocalTarget): boolean {
    return (this.#local.get(target.key) ?? this.#former.get(target.key)) === target;
  }

  /** The target with this `targetKey`, unless it is a former one. */
  instance(key: string): LocalTarget | undefined {
    return this.#local.get(key);
  }

  /** All that `has` knows. */
  *known(): Iterable<LocalTarget> {
    yield* this.#local.values();
    yield* this.#former.values();
  }

  get hasUndecided(): boolean {
    return this.#undecided.size > 0;
  }

  byId(id: bigint): LocalTarget | undefined {
    return this.#byId.get(id);
  }

  /** The target with the nearest cgroup to a directory, at it or above. */
  byPath(path: string): LocalTarget | undefined {
    const { cgroupfs } = this.#options;
    if (!path.startsWith(`${cgroupfs}/`)) return undefined;
    for (let end = path.length; end > cgroupfs.length; end = path.lastIndexOf('/', end - 1)) {
      const target = this.#byPath.get(path.slice(cgroupfs.length, end));
      if (target !== undefined) return target;
    }
    return undefined;
  }

  /**
   * Finds the cgroups of all targets. `newPaths` are the directories of new cgroups: a target that they belong to is
   * kept even if its own cgroup is gone. Returns true if anything changed.
   */
  resolve(targets: Iterable<Target>, newPaths: readonly string[], now: number): boolean {
    const local = new Map<string, Known>();
    const former = new Map<string, Known>();
    const byPath = new Map<string, Known>();
    let changed = false;
    const seen = newPaths.length === 0 ? undefined : pathsAtOrAbove(newPaths, this.#options.cgroupfs);
    for (const target of targets) {
      if (target.cgroup === undefined) continue;
      const key = targetKey(target);
      const id = target.ended === true ? undefined : this.#idOf(target.cgroup);
      const first = local.get(key);
      if (first !== undefined) {
        // If two sources have the same instance, the first one wins. The second one may be an earlier pod of that name.
        if (id === undefined && first.monitored === target.monitored) byPath.set(target.cgroup, first);
        continue;
      }
      const known = this.#local.get(key) ?? this.#former.get(key);
      const same = known !== undefined && sameDescription(known, target) ? known : undefined;
      const resolved =
        id === undefined
          ? this.#absent(target, same, seen?.has(target.cgroup) === true, now)
          : this.#present(target, same, id);
      if (resolved === undefined) {
        if (same !== undefined) former.set(key, same);
        continue;
      }
      if (resolved !== known || (resolved.id !== GONE_ID && this.#byId.get(resolved.id) !== resolved)) changed = true;
      local.set(key, resolved);
      if (!byPath.has(target.cgroup)) byPath.set(target.cgroup, resolved);
    }
    for (const [key, target] of former) {
      if (local.has(key)) former.delete(key);
      else if (!byPath.has(target.cgroup)) byPath.set(target.cgroup, target);
    }
    changed ||= local.size !== this.#local.size || byPath.size !== this.#byPath.size;
    changed ||= [...byPath].some(([path, target]) => this.#byPath.get(path) !== target);
    this.#local = local;
    this.#former = former;
    this.#byPath = byPath;
    if (changed) this.#byId = new Map([...this.known()].toReversed().map((target) => [target.id, target as Known]));
    this.#byId.delete(GONE_ID);
    for (const target of this.#undecided) if (local.get(target.key) !== target) this.#undecided.delete(target);
    return changed;
  }

  #idOf(cgroup: string): bigint | undefined {
    const { cgroupfs, requiredFile } = this.#options;
    const folder = cgroupfs + cgroup;
    const id = cgroupId(folder);
    return id === undefined || (requiredFile !== undefined && !existsSync(join(folder, requiredFile))) ? undefined : id;
  }

  #present(target: Target, known: Known | undefined, id: bigint): Known {
    const cgroup = target.cgroup as string;
    const folder = this.#options.cgroupfs + cgroup;
    if (known === undefined) return { ...target, cgroup, key: targetKey(target), folder, id, goneSince: undefined };
    this.#undecided.delete(known);
    return Object.assign(known, { cgroup, folder, id, goneSince: undefined });
  }

  #absent(target: Target, known: Known | undefined, isSeen: boolean, now: number): Known | undefined {
    if (isSeen) {
      const kept = known ?? this.#present(target, undefined, GONE_ID);
      this.#undecided.delete(kept);
      return Object.assign(kept, { goneSince: now });
    }
    if (known === undefined || this.#local.get(known.key) !== known) return undefined;
    if (known.goneSince === undefined) {
      known.goneSince = now;
      this.#undecided.add(known);
    }
    return now - known.goneSince < LINGER_MS ? known : undefined;
  }

  /** Drops the undecided targets that are not to be kept. Returns true if there were any. */
  decide(keep: (target: LocalTarget) => boolean): boolean {
    let changed = false;
    for (const target of this.#undecided) {
      if (keep(target)) continue;
      this.#local.delete(target.key);
      this.#former.set(target.key, target);
      changed = true;
    }
    this.#undecided.clear();
    return changed;
  }
}

/** The paths below the mount of some directories and of all above them. */
function pathsAtOrAbove(paths: readonly string[], cgroupfs: string): ReadonlySet<string> {
  const all = new Set<string>();
  for (const path of paths) {
    for (let end = path.length; end > cgroupfs.length; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(cgroupfs.length, end);
      if (all.has(above)) break;
      all.add(above);
    }
  }
  return all;
}

function sameDescription(known: LocalTarget, target: Target): boolean {
  return (
    known.monitored === target.monitored && known.workloadKind === target.workloadKind && known.node === target.node
  );
}
