import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly log: string;
}

/** Programs that a run starts, each with a log file of its own, ended in reverse order. */
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
    // A session of its own: Ctrl-C reaches the caller, who ends each program in order.
    const child = spawn(command, args, { stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    const running = { name, child, log };
    this.#running.push(running);
    child.once('error', (error) => (this.#failure ??= new Error(`${name} can't be started`, { cause: error })));
    child.once('exit', (status, signal) => {
      if (!this.#running.includes(running)) return;
      this.#failure ??= new Error(`${name} ended (${signal ?? `status ${status}`}): ${lastLines(log, 5).join(' | ')}`);
    });
  }

  /** The last lines that a program wrote, for telling why a run failed. */
  lastLines(name: string): string {
    const running = this.#running.find((candidate) => candidate.name === name);
    return running === undefined ? '' : lastLines(running.log, 10).join('\n');
  }

  /** @throws Error when a program has ended by itself, with its last lines. */
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
