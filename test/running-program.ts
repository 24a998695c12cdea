import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { blockIn, WATCHED_LOOP } from './event-loop-blocks.ts';
import { until } from './until.ts';

export type Program = 'exporter' | 'scorer';
export type Command = readonly [string, ...string[]];

/** The command line of a program in dist/. */
export function shipped(name: Program, ...args: readonly string[]): Command {
  return [process.execPath, resolve(`dist/lorikeet-${name}.js`), ...args];
}

/** The command line of a program that serves its pages. @param address default: a free port of 127.0.0.1 */
export function serving(name: Program, flags: readonly string[] = [], address = '127.0.0.1:0'): Command {
  const command = name === 'scorer' ? ['run'] : [];
  return shipped(name, ...command, `--web.listen-address=${address}`, ...flags);
}

/** A command after a shell script, such as `ulimit -n 20`, in the same process. `exec` may redirect. */
export function afterShell(script: string, command: Command): Command {
  return ['bash', '-c', `${script}\nexec "$@"`, 'bash', ...command];
}

export interface LaunchOptions {
  readonly cwd?: string;
  /** Watches its event loop, which takes memory and time. Default: false. */
  readonly watchLoop?: boolean;
}

/** Exporter or scorer, as a process. Its standard error is its log. */
export class RunningProgram {
  readonly pid: number;
  /** Its log so far, by lines. */
  readonly log: readonly string[];
  /** Resolves with its exit status or signal, once all of its log was read. */
  readonly exited: Promise<number | string>;
  /** Blocks of its event loop so far, in milliseconds, if it is watched. */
  readonly blocks: readonly number[];
  readonly #child: ChildProcess;
  #ended: number | string | undefined;

  private constructor(child: ChildProcess) {
    if (child.stderr === null) throw new Error('no standard error');
    const [log, blocks]: [string[], number[]] = [[], []];
    this.log = log;
    this.blocks = blocks;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.exited = once(child, 'close').then(
      ([status, signal]) => (this.#ended = (status ?? signal) as number | string),
    );
    createInterface(child.stderr).on('line', (line) => {
      const block = blockIn(line);
      if (block === undefined) log.push(line);
      else blocks.push(block);
    });
  }

  /** Starts a program without waiting for anything. */
  static launch([command, ...args]: Command, { cwd, watchLoop = false }: LaunchOptions = {}): RunningProgram {
    const env = watchLoop ? { ...process.env, ...WATCHED_LOOP } : process.env;
    const stdio = ['ignore', 'inherit', 'pipe'] as const;
    const child = spawn(command, args, { stdio: [...stdio], env, ...(cwd === undefined ? {} : { cwd }) });
    return new RunningProgram(child);
  }

  /** Starts a program and waits until it listens. @throws Error with its log if it ends before */
  static async start(command: Command, options?: LaunchOptions): Promise<RunningProgram> {
    const program = RunningProgram.launch(command, options);
    await program.listening();
    return program;
  }

  /** Waits until it listens. @throws Error with its log if it ends before */
  async listening(): Promise<void> {
    const isListening = () => {
      if (this.#ended !== undefined) throw new Error(`ended with ${this.#ended}: ${this.log.join('\n')}`);
      return this.#address() !== undefined;
    };
    await until('it to listen', isListening, { timeoutMs: 50_000, seen: () => this.log.join('\n') });
  }

  #address(): string | undefined {
    return this.log.map((line) => /msg=listening address=(\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
  }

  /** Host and port, once it listens. */
  get address(): string {
    return this.#address() ?? '';
  }

  get port(): number {
    return Number(this.address.split(':').at(-1));
  }

  get url(): string {
    return `http://${this.address}`;
  }

  /** Undefined while it runs, then its exit status or signal. */
  ended(): number | string | undefined {
    return this.#ended;
  }

  /** Number of log lines with a text. */
  logged(text: string): number {
    return this.log.filter((line) => line.includes(text)).length;
  }

  async get(
    path: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
    const answer = await fetch(this.url + path, init);
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }

  async isHealthy(): Promise<boolean> {
    return (await this.get('/-/healthy')).status === 200;
  }

  /** /metrics, parsed: series -> value, without comments. @throws Error for another status than 200 */
  async samples(prefix: string): Promise<Readonly<Record<string, number>>> {
    const { status, text } = await this.get('/metrics');
    if (status !== 200) throw new Error(`/metrics answered ${status}: ${text}`);
    return parseSamples(text, prefix);
  }

  /**
   * The value of a series of /metrics; 0 if it is absent, or if the page is refused.
   *
   * @param series such as `name{reason="limit"}`
   */
  async value(series: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    return parseSamples((await this.get('/metrics', { headers })).text, series)[series] ?? 0;
  }

  /** The sum of all series of /metrics whose name and labels begin so. */
  async total(prefix: string): Promise<number> {
    return Object.values(await this.samples(prefix)).reduce((sum, value) => sum + value, 0);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Stops it like a service manager. @throws Error with its log unless its exit status is 0 */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const status = await this.exited;
    if (status !== 0) throw new Error(`ended with ${status}: ${this.log.join('\n')}`);
  }

  /** Resolves once it is gone. */
  async kill(): Promise<void> {
    const gone =
      this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, 'exit') : undefined;
    this.signal('SIGKILL');
    await gone;
  }
}

function parseSamples(text: string, prefix: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix)) continue;
    const blank = line.lastIndexOf(' ');
    samples[line.slice(0, blank)] = Number(line.slice(blank + 1).replace('Inf', 'Infinity'));
  }
  return samples;
}
