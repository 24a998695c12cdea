import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';

export interface Scrape {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Loaded into the program before its own code: a timer that is due every millisecond tells on standard error how long
 * it was kept from running, when that was long.
 */
const LOOP_WATCH = `let last = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - last > 3) process.stderr.write('event_loop_block_ms=' + (now - last - 1) + '\\n');
  last = now;
}, 1).unref();`;

/** A program under measurement that serves /metrics. */
export class Subject {
  readonly #child: ChildProcess;
  readonly #url: string;
  /** Like Prometheus: one connection, kept open. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  readonly #blocks: number[];

  private constructor(child: ChildProcess, address: string, blocks: number[]) {
    this.#child = child;
    this.#url = `http://${address}/metrics`;
    this.#blocks = blocks;
  }

  /**
   * Starts a program and waits for the line on standard error that tells its address. With `watchLoop` its event loop is
   * watched, which costs memory and time of its own.
   */
  static async start(command: readonly [string, ...string[]], { watchLoop = false } = {}): Promise<Subject> {
    const [program, ...args] = command;
    const preload = `--import=data:text/javascript,${encodeURIComponent(LOOP_WATCH)}`;
    const env = watchLoop ? { ...process.env, NODE_OPTIONS: preload } : process.env;
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], env });
    const log: string[] = [];
    const blocks: number[] = [];
    const address = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr).on('line', (line) => {
        const block = /^event_loop_block_ms=(\S+)/.exec(line)?.[1];
        if (block !== undefined) {
          blocks.push(Number(block));
          return;
        }
        log.push(line);
        const listening = /msg=listening address=(\S+)/.exec(line)?.[1];
        if (listening !== undefined) resolve(listening);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${program} ended: ${log.join('\n')}`)));
    });
    return new Subject(child, address, blocks);
  }

  /** Resident memory in MB of 10^6 bytes, as the kernel counts it. */
  get residentMb(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e6;
  }

  /** Milliseconds of processor time, user and system, since the start. */
  get cpuMs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // utime and stime in ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** The longest time that the event loop was blocked since the last call, in milliseconds; below 3 it is 0. */
  takeLongestBlock(): number {
    return Math.max(0, ...this.#blocks.splice(0));
  }

  /** One scrape as Prometheus makes it, compressed, read to its end. @throws Error for a status other than 200. */
  scrape(headers: Readonly<Record<string, string>> = { 'accept-encoding': 'gzip' }): Promise<Scrape> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      get(this.#url, { agent: this.#agent, headers }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('end', () => {
          if (response.statusCode === 200) resolve({ ms: performance.now() - started, bytes });
          else reject(new Error(`status ${response.statusCode}`));
        });
        response.on('error', reject);
      }).on('error', reject);
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await ended;
    }
  }
}
