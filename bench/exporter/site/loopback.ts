import { execFileSync } from 'node:child_process';
import type { Command } from './child.ts';

/** A network namespace that only has the loopback interface. */
export class Loopback {
  readonly #name = `lorikeet-bench-${process.pid}`;

  private constructor() {
    execFileSync('ip', ['netns', 'add', this.#name]);
  }

  static make(): Loopback {
    const loopback = new Loopback();
    try {
      execFileSync('ip', ['-netns', loopback.#name, 'link', 'set', 'lo', 'up']);
      return loopback;
    } catch (error) {
      loopback.remove();
      throw error;
    }
  }

  /** The command that runs `command` in this namespace and in a cgroup, as the same process. */
  inside(cgroup: string, command: Command): Command {
    const enter = 'echo $$ > "$0/cgroup.procs" && exec nsenter "$@"';
    return ['sh', '-c', enter, cgroup, `--net=/run/netns/${this.#name}`, '--', ...command];
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.#name]);
  }
}
