import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from '../daemon/logger.ts';

export interface LearnerOptions {
  /** The scorer's program and the arguments that all its commands share. */
  readonly command: readonly [string, ...string[]];
  readonly logger: Logger;
}

/** Learning failed; the message tells how it ended. */
export class LearningError extends Error {
  readonly code = 'LEARNING';
  override readonly name = 'LearningError';
}

/**
 * Runs `lorikeet-scorer train` in a child process, one at a time, so that the memory which learning takes
 * goes back to the system afterwards and a crash of it doesn't end the scores.
 */
export class Learner {
  readonly #options: LearnerOptions;
  #child: ChildProcess | undefined;

  constructor(options: LearnerOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Resolves when the child has saved what it learned.
   *
   * @throws LearningError
   */
  async run(args: readonly string[]): Promise<void> {
    if (this.#child !== undefined) throw new LearningError('learning is under way already');
    const [program, ...shared] = this.#options.command;
    const child = spawn(program, [...shared, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#forward(child);
    try {
      const [status, signal] = await ended(child);
      if (status !== 0) throw new LearningError(`learning ended with ${signal ?? `status ${String(status)}`}`);
    } finally {
      this.#child = undefined;
    }
  }

  /** Ends a run under way. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const end = ended(child).catch(() => undefined);
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 2000);
    await end;
    clearTimeout(force);
  }

  #forward(child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => this.#options.logger.info('learning', { line }));
    }
  }
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new LearningError("learning can't be started", { cause: error })));
    child.once('exit', (status, signal) => resolve([status, signal]));
  });
}
