import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { endWithBenchmark } from './interruption.ts';

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

/** A program that prints lines: a load program, or one to compare with Lorikeet. */
export class Child {
  readonly pid: number;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  readonly #output: string[] = [];
  readonly #errors: string[] = [];

  private constructor([program, ...args]: Command) {
    this.#process = endWithBenchmark(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    // No pid if the start failed; then `exited` rejects.
    this.pid = this.#process.pid ?? 0;
    this.#exited = once(this.#process, 'close');
    this.#exited.catch(() => undefined);
    createInterface(this.#process.stdout).on('line', (line) => this.#output.push(line));
    createInterface(this.#process.stderr).on('line', (line) => this.#errors.push(line));
  }

  static start(command: Command): Child {
    return new Child(command);
  }

  /** Starts a program and waits for its first line on standard output, which is returned as well. */
  static async ready(command: Command): Promise<readonly [Child, string]> {
    const child = new Child(command);
    await Promise.race([once(child.#process.stdout, 'data'), child.#exited]);
    const line = child.#output[0];
    if (line === undefined) throw new Error(`${command.join(' ')}: ended: ${child.#errors.join('\n')}`);
    return [child, line];
  }

  /** Runs a program to its end and returns its output. @throws Error if it fails. */
  static async run(command: Command): Promise<string> {
    const child = new Child(command);
    await child.#exited;
    const { exitCode } = child.#process;
    if (exitCode !== 0) {
      throw new Error(`${command.join(' ')}: exited with ${String(exitCode)}: ${child.#errors.join('\n')}`);
    }
    return child.#output.join('\n');
  }

  /** Ends the program, by a signal or by closing its standard input, and returns its output. */
  async stop(by: 'SIGTERM' | 'SIGINT' | 'end of input'): Promise<Printed> {
    if (by === 'end of input') this.#process.stdin.end();
    else this.#process.kill(by);
    await this.#exited;
    return { output: this.#output, errors: this.#errors };
  }
}

export interface Printed {
  readonly output: readonly string[];
  readonly errors: readonly string[];
}
