import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Logger } from '../../daemon/logger.ts';
import { type LearningProgress, parseProgress } from './progress.ts';

export interface TrainProcessOptions {
  /** The scorer's program and the arguments that all its commands share. */
  readonly command: readonly [string, ...string[]];
  readonly logger: Logger;
  readonly onProgress: (progress: LearningProgress) => void;
}

/** Learning failed; the message tells how it ended. */
export class TrainProcessError extends Error {
  readonly code = 'LEARNING';
  override readonly name = 'TrainProcessError';
}

/**
 * Runs `lorikeet-scorer train` in a child process, one at a time, so that the memory which learning takes
 * goes back to the system afterwards and a crash of it doesn't end the scores. The child's standard input is held open:
 * where it ends, this process is gone, and the child ends too.
 */
export class TrainProcess {
  readonly #options: TrainProcessOptions;
  #child: ChildProcess | undefined;

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
    if (this.#child !== undefined) throw new TrainProcessError('learning is under way already');
    const [program, ...shared] = this.#options.command;
    const child = spawn(program, [...shared, '--progress=json'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#forward(child);
    try {
      const [status, signal] = await ended(child);
      if (status !== 0) throw new TrainProcessError(`learning ended with ${signal ?? `status ${String(status)}`}`);
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

  #forward({ stdout, stderr }: ChildProcess): void {
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
    each(stderr, (line) => logger.warn('learning', { line }));
  }
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new TrainProcessError("learning can't be started", { cause: error })));
    child.once('exit', (status, signal) => resolve([status, signal]));
  });
}
