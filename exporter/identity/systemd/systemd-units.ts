import { hostname } from 'node:os';
import { ConditionLog, type Logger } from '../../../daemon/logger.ts';
import { childFolders } from '../../cgroups/cgroup.ts';
import type { Target, TargetSource } from '../target.ts';
import { isServiceUnit, serviceOf } from './unit-name.ts';

export interface SystemdConfig {
  /** The namespace of all units. */
  readonly namespace: string;
  /** Units by their whole name, such as `cart.service`. */
  readonly include: RegExp;
  readonly exclude: RegExp | undefined;
}

export interface SystemdOptions extends SystemdConfig {
  readonly cgroupfs: string;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** Targets of another source, which keep their cgroups. */
  readonly claimed?: () => readonly Target[];
}

/** Slices of sessions, virtual machines and Kubernetes: their services belong to users, guests and pods. */
const NOT_SERVICES = new Set(['user.slice', 'machine.slice', 'kubepods.slice']);
/** More than any machine runs; each is a target. */
export const MAX_UNITS = 1000;
/** Slices within slices. */
const MAX_DEPTH = 8;
/** Milliseconds for which a stopped unit remains a target: its last counts are exported, and it may start again. */
export const STOPPED_MS = 600_000;

const NONE: readonly Target[] = [];

interface Known {
  readonly target: Target;
  /** When its cgroup was there last. */
  seen: number;
}

/** The services that systemd runs, found by the names of their cgroups: a unit is a service. */
export class SystemdUnits implements TargetSource {
  readonly name = 'systemd';
  readonly #options: SystemdOptions;
  readonly #log: ConditionLog;
  readonly #known = new Map<string, Known>();
  #claimed = NONE;
  #targets = NONE;

  constructor(options: SystemdOptions) {
    this.#options = options;
    this.#log = new ConditionLog(options.logger);
  }

  /** Looks at the tree, whenever targets are asked for: before each scrape, and every few seconds. */
  get targets(): readonly Target[] {
    const isChanged = this.#update(new Set(this.#units()));
    const claimed = this.#options.claimed?.() ?? NONE;
    if (isChanged || claimed !== this.#claimed) {
      this.#claimed = claimed;
      const taken = new Set(claimed.map(({ cgroup }) => cgroup));
      const targets = Array.from(this.#known.values(), ({ target }) => target);
      this.#targets = targets.filter(({ cgroup }) => !taken.has(cgroup));
    }
    return this.#targets;
  }

  /** Adds new units and forgets those that stopped long ago. Returns true if any changed. */
  #update(found: ReadonlySet<string>): boolean {
    const now = this.#options.now();
    let changed = false;
    for (const [cgroup, known] of this.#known) {
      if (found.has(cgroup)) known.seen = now;
      else if (now - known.seen >= STOPPED_MS) changed = this.#known.delete(cgroup);
    }
    let beyond = 0;
    for (const cgroup of found) {
      if (this.#known.has(cgroup)) continue;
      const target = this.#targetOf(cgroup);
      if (target === undefined) continue;
      if (this.#known.size >= MAX_UNITS) {
        beyond++;
        continue;
      }
      this.#known.set(cgroup, { target, seen: now });
      changed = true;
    }
    if (beyond === 0) this.#log.recovered('units', 'all systemd units are targets again');
    else this.#log.failing('units', 'too many systemd units, further ones are not targets', `limit ${MAX_UNITS}`);
    return changed;
  }

  #targetOf(cgroup: string): Target | undefined {
    const unit = cgroup.slice(cgroup.lastIndexOf('/') + 1);
    const service = serviceOf(unit);
    const { namespace, include, exclude } = this.#options;
    if (service === undefined || !include.test(unit) || exclude?.test(unit) === true) return undefined;
    const node = hostname();
    // A pod's name is its own on all machines.
    const pod = `${node}/${unit}`;
    return { namespace, service, pod, cgroup, addresses: [], monitored: true, workloadKind: 'SystemdUnit', node };
  }

  /** Paths of the cgroups of all services, below the mount. */
  #units(): string[] {
    const { cgroupfs } = this.#options;
    const below = (slice: string, depth: number): string[] =>
      childFolders(cgroupfs + slice).flatMap((name) => {
        const path = `${slice}/${name}`;
        if (isServiceUnit(name)) return [path];
        return name.endsWith('.slice') && depth < MAX_DEPTH ? below(path, depth + 1) : [];
      });
    const slices = childFolders(cgroupfs).filter((name) => name.endsWith('.slice') && !NOT_SERVICES.has(name));
    return slices.flatMap((name) => below(`/${name}`, 1));
  }

  close(): void {}
}
