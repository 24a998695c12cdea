import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Logger } from '../../daemon/logger.ts';
import { encodeGiven, type Given } from './given.ts';
import { type LearningProgress, parseProgress } from './progress.ts';

export interface TrainProcessOptions {
  /** Command line of `lorikeet-scorer train`, without the flags of such a process. */
  readonly command: readonly [string, ...string[]];
  /** The configuration that it learns with. */
  readonly given: Given;
  readonly logger: Logger;
  readonly onProgress: (progress: LearningProgress) => void;
}

/** Learning failed; the message contains the exit status or the signal, and what the process said last. */
export class TrainProcessError extends Error {
  readonly code = 'LEARNING';
  override readonly name = 'TrainProcessError';
}

/**
 * Runs `lorikeet-scorer train` in a child process, one at a time: its memory is freed when it exits, and a crash
 * doesn't affect scoring. The child's stdin is kept open; it closes when this process exits, and then the child exits
 * too.
 */
export class TrainProcess {
  readonly #options: TrainProcessOptions;
  #child: ChildProcess | undefined;
  #isStopping = false;

  constructor(options: TrainProcessOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Resolves when the child has saved what it learned.
   *
   * @throws TrainProcessError
   */
  async run(): Promise<void> {
    if (this.#child !== undefined) throw new TrainProcessError('learning is already running');
    const [program, ...shared] = this.#options.command;
    const flags = ['--config.stdin', '--progress=json'];
    const child = spawn(program, [...shared, ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // It may have ended already, which its status says.
    child.stdin.on('error', () => undefined);
    child.stdin.write(encodeGiven(this.#options.given));
    const errors = this.#forward(child);
    try {
      const [status, signal] = await ended(child);
      if (status !== 0) {
        const how = `learning ended with ${signal ?? `status ${String(status)}`}`;
        throw new TrainProcessError([how, ...errors.splice(0)].join(': '));
      }
    } finally {
      for (const line of errors) this.#options.logger.warn('learning', { line });
      this.#child = undefined;
    }
  }

  /** Stops a running child for good: SIGTERM, then SIGKILL after 2 s. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#isStopping = true;
    const end = ended(child).catch(() => undefined);
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 2000);
    await end;
    clearTimeout(force);
  }

  /** Logs the output of the child. @returns the last line of standard error, which is not logged yet */
  #forward({ stdout, stderr }: ChildProcess): string[] {
    const { logger, onProgress } = this.#options;
    const each = (stream: Readable | null, take: (line: string) => void) => {
      if (stream !== null) createInterface({ input: stream }).on('line', take);
    };
    each(stdout, (line) => {
      const progress = parseProgress(line);
      if (progress === undefined) logger.info('learning', { line });
      else {
        logger.debug('learning', { ...progress });
        onProgress(progress);
      }
    });
    const last: string[] = [];
    each(stderr, (line) => {
      // Told to stop, it says so.
      if (this.#isStopping) return;
      for (const earlier of last.splice(0, 1, line)) logger.warn('learning', { line: earlier });
    });
    return last;
  }
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new TrainProcessError("learning can't be started", { cause: error })));
    // Once all of its output was read, unlike `exit`.
    child.once('close', (status, signal) => resolve([status, signal]));
  });
}
