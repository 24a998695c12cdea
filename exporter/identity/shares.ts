import { idKey, type CgroupMap, type PlainMap } from './leaves.ts';
import { perMap, SHARED_MAPS, STATES, type CgroupInfo, type Leaf, type SharedMap, type State } from './leaf.ts';
import { GONE_ID, type LocalTarget } from './local-targets.ts';

/** Milliseconds after which a cgroup without a target counts as unmonitored: its target may become known late. */
export const CLASSIFY_MS = 5000;

/** The share of the rows of a shared map that all cgroups without a monitored target may have: bpf/shared/shares.bpf.h. */
const UNMONITORED_SHARE = 1 / 4;

/** Numbers of rows by shared map. */
export type Rows = Readonly<Record<SharedMap, number>>;

export interface SharesOptions {
  readonly cgroups: CgroupMap;
  /** Kernel map: id of a target's cgroup -> its state. */
  readonly targets: PlainMap;
  /** Kernel map: index of a shared map -> `struct row_use`. */
  readonly use: PlainMap;
  /** Rows of each shared map. */
  readonly capacities: Rows;
}

export interface SharesInput {
  readonly targets: Iterable<LocalTarget>;
  /** Changes when a result of `targetOf` may have changed. */
  readonly generation: number;
  readonly leaves: Iterable<Leaf>;
  readonly infos: ReadonlyMap<bigint, CgroupInfo>;
  readonly targetOf: (leaf: Leaf) => LocalTarget | undefined;
  /** False while the targets are not known yet. */
  readonly isReady: boolean;
  /** Milliseconds. */
  readonly now: number;
}

/**
 * Tells the kernel programs which cgroups are monitored, so that others cannot fill the shared maps
 * (bpf/shared/shares.bpf.h).
 */
export class Shares {
  readonly #options: SharesOptions;
  #generation = -1;
  #targets = new Map<bigint, State>();
  #isPressed = false;
  readonly #lost: Record<SharedMap, number> = perMap(() => 0);
  readonly #unmonitored: Record<SharedMap, number> = perMap(() => 0);

  constructor(options: SharesOptions) {
    this.#options = options;
  }

  /** Rows that monitored cgroups were refused before they were known to be monitored. */
  get lost(): Rows {
    return this.#lost;
  }

  /** Rows that other cgroups were refused before they were known not to be monitored. */
  get unmonitored(): Rows {
    return this.#unmonitored;
  }

  /** True if cgroups that nobody monitors use half of their share of a map: their rows should be deleted soon. */
  get isPressed(): boolean {
    return this.#isPressed;
  }

  /** Returns true if a cgroup is now monitored that was refused rows before, so its older listening sockets have none. */
  update(input: SharesInput): boolean {
    const { generation, targetOf, leaves, infos } = input;
    const changed = generation !== this.#generation;
    if (changed) this.#writeTargets(input.targets);
    this.#generation = generation;
    const used = perMap(() => ({ all: 0, unmonitored: 0 }));
    let revived = false;
    for (const leaf of leaves) {
      const info = infos.get(leaf.id);
      if (info === undefined) continue;
      const before = leaf.state;
      if (changed || before === STATES.unclassified) leaf.state = stateOf(leaf, targetOf(leaf), input);
      if (leaf.state === STATES.monitored && before !== STATES.monitored)
        revived ||= before === STATES.unmonitored || info.refused('listeners') > leaf.refused.listeners;
      this.#correct(leaf, info);
      if (leaf.state !== STATES.unclassified) this.#countRefused(leaf, info);
      for (const map of SHARED_MAPS) {
        used[map].all += info.rows(map);
        if (leaf.state !== STATES.monitored) used[map].unmonitored += info.rows(map);
      }
    }
    this.#writeUse(used);
    return revived;
  }

  /** A cgroup is being forgotten. */
  forget(leaf: Leaf, info: CgroupInfo | undefined): void {
    if (info !== undefined) this.#countRefused(leaf, info);
  }

  #writeTargets(targets: Iterable<LocalTarget>): void {
    const wanted = new Map<bigint, State>();
    for (const { id, monitored } of targets) {
      if (id !== GONE_ID) wanted.set(id, monitored ? STATES.monitored : STATES.unmonitored);
    }
    for (const id of this.#targets.keys()) if (!wanted.has(id)) this.#options.targets.delete(idKey(id));
    for (const [id, state] of wanted) {
      if (this.#targets.get(id) === state) continue;
      const value = Buffer.alloc(4);
      value.writeUInt32LE(state);
      // Without a row, the cgroups of the target are classified one by one.
      if (!this.#options.targets.update(idKey(id), value)) wanted.delete(id);
    }
    this.#targets = wanted;
  }

  /** Writes the kernel's row if it is wrong. */
  #correct(leaf: Leaf, info: CgroupInfo): void {
    const freed = SHARED_MAPS.some((map) => leaf.freed[map] > 0);
    if (!freed && info.state === leaf.state) return;
    info.state = leaf.state;
    for (const map of SHARED_MAPS) info.setRows(map, info.rows(map) - leaf.freed[map]);
    if (!this.#options.cgroups.update(idKey(leaf.id), info.bytes)) return;
    for (const map of SHARED_MAPS) leaf.freed[map] = 0;
  }

  #countRefused(leaf: Leaf, info: CgroupInfo): void {
    const isMonitored = leaf.state === STATES.monitored;
    for (const map of SHARED_MAPS) {
      // Listening sockets get their rows when the programs see them again.
      if (isMonitored && map === 'listeners') continue;
      const counts = isMonitored ? this.#lost : this.#unmonitored;
      counts[map] += Math.max(0, info.refused(map) - leaf.refused[map]);
    }
    for (const map of SHARED_MAPS) leaf.refused[map] = info.refused(map);
  }

  #writeUse(used: Record<SharedMap, { readonly all: number; readonly unmonitored: number }>): void {
    const { use, capacities } = this.#options;
    this.#isPressed = false;
    for (const [index, map] of SHARED_MAPS.entries()) {
      const { all, unmonitored } = used[map];
      if (unmonitored > (capacities[map] * UNMONITORED_SHARE) / 2) this.#isPressed = true;
      const [key, value] = [Buffer.alloc(4), Buffer.alloc(16)];
      key.writeUInt32LE(index);
      value.writeBigInt64LE(BigInt(all));
      value.writeBigInt64LE(BigInt(unmonitored), 8);
      use.update(key, value);
    }
  }
}

function stateOf(leaf: Leaf, target: LocalTarget | undefined, { isReady, now }: SharesInput): State {
  if (target !== undefined) return target.monitored ? STATES.monitored : STATES.unmonitored;
  if (leaf.state === STATES.monitored) return STATES.unmonitored;
  return isReady && now - leaf.since >= CLASSIFY_MS ? STATES.unmonitored : leaf.state;
}
