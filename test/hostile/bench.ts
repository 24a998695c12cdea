import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterShell, type LaunchOptions, type Program, RunningProgram, serving, shipped } from '../running-program.ts';

export interface Ended {
  /** Null for a program that did not end, and was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions extends Pick<LaunchOptions, 'watchLoop'> {
  /** Default: a free port of 127.0.0.1. */
  readonly address?: string;
  /** Commands before it in its shell, such as a limit. */
  readonly shell?: string;
}

/** A folder of hostile files, and the shipped programs that are pointed at them. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-'));
  readonly #started: RunningProgram[] = [];

  /** Writes a file below the folder. @returns its path */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Runs a command of a program to its end. @param shell commands before it in its shell */
  run(program: Program, args: readonly string[], shell = ''): Ended {
    const [command, ...rest] = afterShell(shell, shipped(program, ...args));
    return spawnSync(command, rest, { encoding: 'utf8', timeout: 25_000, killSignal: 'SIGKILL', cwd: this.folder });
  }

  /** Starts a program in the folder. Resolves when it listens. */
  async start(program: Program, flags: readonly string[] = [], options?: StartOptions): Promise<RunningProgram> {
    const running = this.launch(program, flags, options);
    await running.listening();
    return running;
  }

  /** As `start`, without waiting for anything. */
  launch(
    program: Program,
    flags: readonly string[],
    { address, shell = '', watchLoop = false }: StartOptions = {},
  ): RunningProgram {
    const command = afterShell(shell, serving(program, flags, address));
    const running = RunningProgram.launch(command, { cwd: this.folder, watchLoop });
    this.#started.push(running);
    return running;
  }

  /** Kills what it started, and resolves once it is gone; then removes the folder. */
  async clear(): Promise<void> {
    await Promise.all(this.#started.map((running) => running.kill()));
    this.remove();
  }

  /** As `clear`, without waiting. */
  remove(): void {
    for (const running of this.#started) running.signal('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A valid scorer.yaml without a reachable Prometheus. */
export const LONELY_SCORER = `prometheus: { url: 'http://127.0.0.1:1' }
output: metrics
state_dir: state
`;
