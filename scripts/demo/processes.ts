import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly log: string;
}

/** The programs of a run, each with its own log file, stopped in reverse order. */
export class Processes {
  readonly #folder: string;
  readonly #running: Running[] = [];
  #failure: Error | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts a program; its output goes to `<folder>/<name>.log`. */
  start(name: string, command: string, args: readonly string[]): void {
    const log = join(this.#folder, `${name}.log`);
    const output = openSync(log, 'a');
    // A session of its own: only the caller gets Ctrl-C, and stops the programs in order.
    const child = spawn(command, args, { stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    const running = { name, child, log };
    this.#running.push(running);
    child.once('error', (error) => (this.#failure ??= new Error(`cannot start ${name}`, { cause: error })));
    child.once('exit', (status, signal) => {
      if (!this.#running.includes(running)) return;
      this.#failure ??= new Error(`${name} ended (${signal ?? `status ${status}`}): ${lastLines(log, 5).join(' | ')}`);
    });
  }

  /** The last log lines of a program, to explain a failed run. */
  lastLines(name: string): string {
    const running = this.#running.find((candidate) => candidate.name === name);
    return running === undefined ? '' : lastLines(running.log, 10).join('\n');
  }

  /** @throws Error with the last log lines of a program that has exited. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** SIGTERM, and SIGKILL after five seconds, in reverse order of start. */
  async stop(): Promise<void> {
    for (const running of this.#running.splice(0).reverse()) await end(running.child);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(force);
}

function lastLines(log: string, count: number): string[] {
  return readFileSync(log, 'utf8').trim().split('\n').slice(-count);
}
