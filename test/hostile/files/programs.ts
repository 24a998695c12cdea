import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export type Program = 'lorikeet-exporter' | 'lorikeet-scorer';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that serves its pages. */
export interface Running {
  readonly url: string;
  /** Its log so far, by lines. */
  readonly log: readonly string[];
  /** Its exit status or signal. */
  readonly ended: Promise<unknown>;
  /** Stops it like a service manager. @returns its exit status or signal */
  stop(): Promise<unknown>;
}

/** A folder of hostile files, and the shipped programs that are pointed at them. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-'));
  readonly #children: ChildProcess[] = [];

  /** Writes a file below the folder. @returns its path */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Runs a program to its end. @param shell commands before it, such as a limit */
  run(program: Program, args: readonly string[], shell = ''): Ended {
    const command = ['-c', `${shell}\nexec "$@"`, 'bash', process.execPath, resolve('dist', `${program}.js`), ...args];
    // A program that does not end is killed, and has no status.
    return spawnSync('bash', command, { encoding: 'utf8', timeout: 25_000, killSignal: 'SIGKILL', cwd: this.folder });
  }

  /** Starts a program on a free port. Resolves when it listens. */
  async start(program: Program, args: readonly string[], shell = ''): Promise<Running> {
    const running = this.startQuietly(program, args, shell);
    const { log, ended } = running;
    let address: string | undefined;
    void ended.then((status) => (address ??= `ended with ${String(status)}`));
    const listening = () => log.map((line) => /msg=listening address=(\S+)/.exec(line)?.[1]).find(Boolean);
    while (address === undefined) {
      await new Promise((resolved) => setTimeout(resolved, 20));
      address ??= listening();
    }
    if (address.startsWith('ended')) throw new Error(`${program} ${address}: ${log.join('\n')}`);
    return { ...running, url: `http://${address}` };
  }

  /** As `start`, without waiting for anything. */
  startQuietly(program: Program, args: readonly string[], shell = ''): Omit<Running, 'url'> {
    const script = [process.execPath, resolve('dist', `${program}.js`), ...args, '--web.listen-address=127.0.0.1:0'];
    const child = spawn('bash', ['-c', `${shell}\nexec "$@"`, 'bash', ...script], {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: this.folder,
    });
    this.#children.push(child);
    const log: string[] = [];
    createInterface(child.stderr).on('line', (line) => log.push(line));
    // Once all of its log was read, too.
    const ended = once(child, 'close').then(([status, signal]) => (status ?? signal) as unknown);
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return { log, ended, stop };
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A valid scorer.yaml without a reachable Prometheus. */
export const LONELY_SCORER = `prometheus: { url: 'http://127.0.0.1:1' }
output: metrics
state_dir: state
`;
