import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../daemon/logger.ts';
import { waitFor } from '../protocol/condition.ts';
import { SimError } from '../protocol/error.ts';
import { requestJson } from '../protocol/json-http.ts';
import { ENVIRONMENT } from '../protocol/runtime.ts';
import type { ServiceState } from '../protocol/status.ts';

export interface ProcessPlace {
  readonly name: string;
  readonly cgroupPath: string;
  readonly netnsPath: string;
  /** The program's command, without the path of its configuration file, which is appended. */
  readonly command: readonly string[];
  readonly configPath: string;
  /** The UNIX socket on which the program answers `GET /stats` once it is ready. */
  readonly admin: string;
  readonly logPath: string;
}

/** Enters the cgroup and the namespace before the program can open a socket, then becomes the program. */
const ENTER = 'echo $$ > "$1/cgroup.procs" && netns=$2 && shift 2 && exec nsenter --net="$netns" "$@"';

const READY_TIMEOUT_MS = 20_000;
const BACKOFF_MS = { first: 200, max: 10_000, forgotten: 30_000 };

/** A process in its own cgroup and network namespace, restarted after an unexpected exit. */
export class SupervisedProcess {
  readonly place: ProcessPlace;
  readonly #logger: Logger;
  readonly #onRestarted: () => Promise<void>;
  #child: ChildProcess | undefined;
  #state: ServiceState = 'starting';
  #abandoned = false;
  #restarts = 0;
  #backoff = BACKOFF_MS.first;
  #startedAt = 0;

  /** @param onRestarted runs when the process is ready again after an unexpected exit. */
  constructor(place: ProcessPlace, logger: Logger, onRestarted: () => Promise<void> = () => Promise.resolve()) {
    this.place = place;
    this.#logger = logger.with({ process: place.name });
    this.#onRestarted = onRestarted;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get state(): ServiceState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** @throws SimError if it exits or times out before it is ready. */
  async start(): Promise<void> {
    rmSync(this.place.admin, { force: true });
    const child = this.#spawn();
    this.#child = child;
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (status, signal) => {
      ended = signal === null ? `exited with status ${status}` : `killed by ${signal}`;
      if (this.#child === child) this.#child = undefined;
      if (!this.#abandoned && (this.#state === 'running' || this.#state === 'paused')) void this.#recover(ended);
    });
    const settled = async () => ended !== undefined || this.#abandoned || (await this.#answers());
    const ready = await waitFor(settled, READY_TIMEOUT_MS);
    if (this.#abandoned) throw new SimError(`${this.place.name}: no longer needed`);
    if (ended !== undefined) throw new SimError(`${this.place.name}: ${ended} while starting${this.#lastWords()}`);
    if (ready === undefined) {
      child.kill('SIGKILL');
      throw new SimError(`${this.place.name}: not ready after ${READY_TIMEOUT_MS / 1000} s`);
    }
    this.#startedAt = performance.now();
    this.#state = 'running';
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
    this.#state = 'paused';
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#state = 'running';
  }

  /** Kills it without a restart, until `start`. */
  async crash(): Promise<void> {
    this.#state = 'crashed';
    this.#child?.kill('SIGKILL');
    await waitFor(() => this.#child === undefined, READY_TIMEOUT_MS);
  }

  /** Disables restarts; the removal of the cgroup kills the process. */
  abandon(): void {
    this.#abandoned = true;
  }

  async #recover(why: string): Promise<void> {
    this.#state = 'restarting';
    this.#logger.error('process died', { why, last_words: this.#lastWords() || undefined });
    const healthy = performance.now() - this.#startedAt > BACKOFF_MS.forgotten;
    if (healthy) this.#backoff = BACKOFF_MS.first;
    while (this.#state === 'restarting' && !this.#abandoned) {
      await sleep(this.#backoff);
      this.#backoff = Math.min(2 * this.#backoff, BACKOFF_MS.max);
      if (this.#abandoned) return;
      try {
        await this.start();
        this.#restarts += 1;
        await this.#onRestarted();
        this.#logger.info('process restarted', { restarts: this.#restarts });
      } catch (error) {
        this.#logger.error('process restart failed', { error: error as Error });
      }
    }
  }

  #spawn(): ChildProcess {
    const { cgroupPath, netnsPath, command, configPath, logPath } = this.place;
    const log = openSync(logPath, 'w');
    try {
      return spawn('sh', ['-c', ENTER, 'sh', cgroupPath, netnsPath, ...command, configPath], {
        // A session of its own: only the controller gets Ctrl-C from the terminal.
        detached: true,
        stdio: ['ignore', log, log],
        env: { PATH: process.env['PATH'], ...ENVIRONMENT },
      });
    } finally {
      closeSync(log);
    }
  }

  async #answers(): Promise<boolean> {
    try {
      await requestJson(this.place.admin, 'GET /stats', undefined, 1000);
      return true;
    } catch {
      return false;
    }
  }

  /** The most relevant line of its log: that with an error, otherwise the last. */
  #lastWords(): string {
    if (!existsSync(this.place.logPath)) return '';
    const lines = readFileSync(this.place.logPath, 'utf8').trim().split('\n');
    const words = lines.find((line) => /^\w*Error\b|cannot|can't/i.test(line)) ?? lines.at(-1) ?? '';
    return words === '' ? '' : `: ${words.slice(0, 200)}`;
  }
}
