import { execFileSync } from 'node:child_process';
import type { Command } from './child.ts';

/** A network namespace of the benchmark's own, with nothing in it but the loopback. */
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

  /** `command` as it runs in here and in a cgroup; the process that is started becomes the program itself. */
  inside(cgroup: string, command: Command): Command {
    const enter = 'echo $$ > "$0/cgroup.procs" && exec nsenter "$@"';
    return ['sh', '-c', enter, cgroup, `--net=/run/netns/${this.#name}`, '--', ...command];
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.#name]);
  }
}
