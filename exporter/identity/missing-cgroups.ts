import type { Logger } from '../../daemon/logger.ts';
import type { Directory } from './directory.ts';
import { targetKey, type Target } from './target.ts';

/** Names in one log line. */
const MAX_NAMED = 5;

/**
 * Targets of the targets file whose cgroup does not exist. That is normal before a service starts, but a misspelt path
 * looks the same: each is logged once for as long as the file has it.
 */
export class MissingCgroups {
  readonly #logger: Logger;
  #logged = new Set<string>();
  #count = 0;
  #generation = -1;
  #targets: readonly Target[] | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get count(): number {
    return this.#count;
  }

  /** @param directory refreshed with `targets` */
  update(targets: readonly Target[], directory: Directory): void {
    if (targets === this.#targets && directory.generation === this.#generation) return;
    this.#targets = targets;
    this.#generation = directory.generation;
    const present = new Set(Array.from(directory.targets, ({ key }) => key));
    const missing = targets.filter((target) => target.cgroup !== undefined && !present.has(targetKey(target)));
    this.#count = missing.length;
    this.#log(missing);
    const listed = new Set(targets.map(targetKey));
    this.#logged = new Set([...this.#logged, ...missing.map(targetKey)].filter((key) => listed.has(key)));
  }

  #log(missing: readonly Target[]): void {
    const unknown = missing.filter((target) => !this.#logged.has(targetKey(target)));
    if (unknown.length === 0) return;
    const named = unknown
      .slice(0, MAX_NAMED)
      .map(({ namespace, service, cgroup }) => `${namespace}/${service} ${cgroup}`);
    const more = unknown.length > MAX_NAMED ? ', ...' : '';
    this.#logger.info('no cgroup yet', { targets: unknown.length, cgroups: named.join(', ') + more });
  }
}
