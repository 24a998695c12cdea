import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delegateControllers, findCgroupMount, removeCgroup } from '../../../microsim/controller/cgroup.ts';
import type { Need } from '../../skips/needs.ts';

const VERSION_1 = '/sys/fs/cgroup/memory';

interface Files {
  readonly root: string;
  readonly limit: string;
  readonly peak: string;
  /** Has a line `oom_kill N`. */
  readonly events: string;
}

/** The hierarchy that can limit memory: of version 1, or cgroup2. */
function hierarchy(): Files | undefined {
  if (existsSync(join(VERSION_1, 'memory.limit_in_bytes')))
    return {
      root: VERSION_1,
      limit: 'memory.limit_in_bytes',
      peak: 'memory.max_usage_in_bytes',
      events: 'memory.oom_control',
    };
  const root = findCgroupMount();
  if (!readFileSync(join(root, 'cgroup.controllers'), 'utf8').split(/\s/).includes('memory')) return undefined;
  return { root, limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' };
}

export const MEMORY_CGROUP: Need = {
  lack: 'no cgroup can limit memory',
  isMissing: () => hierarchy() === undefined,
};

let made = 0;

/** A cgroup whose processes may have a limited amount of memory together, with page cache and kernel maps. */
export class MemoryCgroup {
  readonly #path: string;
  readonly #files: Files;

  constructor(limitBytes: number) {
    const files = hierarchy();
    if (files === undefined) throw new Error(MEMORY_CGROUP.lack);
    this.#files = files;
    if (files.root !== VERSION_1) delegateControllers(files.root);
    this.#path = join(files.root, `lorikeet-hostile-${process.pid}-${made++}`);
    mkdirSync(this.#path);
    writeFileSync(join(this.#path, files.limit), String(limitBytes));
  }

  /** Shell commands that move the shell into the cgroup. */
  get enter(): string {
    return `echo $$ > ${join(this.#path, 'cgroup.procs')}`;
  }

  get peakBytes(): number {
    return Number(readFileSync(join(this.#path, this.#files.peak), 'utf8'));
  }

  /** Processes that the kernel has killed because of the limit. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(this.#path, this.#files.events), 'utf8'))?.[1]);
  }

  /** Kills the processes that are left in it, such as a learning that ends with its scorer. */
  remove(): Promise<void> {
    return removeCgroup(this.#path);
  }
}
