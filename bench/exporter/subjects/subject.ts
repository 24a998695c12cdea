import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from '../site/child.ts';
import type { Fleet } from '../site/fleet.ts';
import { endWithBenchmark } from '../site/interruption.ts';
import { processorTime } from '../counters/processor-time.ts';
import { blockIn, WATCHED_LOOP } from '../../../test/event-loop-blocks.ts';
import { residentBytes } from '../../../test/resident-memory.ts';

export interface Scrape {
  readonly ms: number;
  readonly bytes: number;
}

/** Lorikeet's exporter for a fleet. npm runs scripts in the package's directory. */
export function exporterOf(fleet: Fleet): Command {
  const flags = ['--web.listen-address=127.0.0.1:0', `--targets.file=${fleet.targetsFile}`, '--log.level=info'];
  return [path.resolve('dist/lorikeet-exporter.js'), ...flags];
}

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
   * Starts a program and waits for the line on standard error with its address. `watchLoop` watches its event loop,
   * which takes memory and time.
   */
  static async start(command: Command, { watchLoop = false } = {}): Promise<Subject> {
    const [program, ...args] = command;
    const env = watchLoop ? { ...process.env, ...WATCHED_LOOP } : process.env;
    const child = endWithBenchmark(spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], env }));
    const log: string[] = [];
    const blocks: number[] = [];
    const address = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr).on('line', (line) => {
        const block = blockIn(line);
        if (block !== undefined) {
          blocks.push(block);
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

  /** Resident memory in MB (10^6 bytes), as counted by the kernel. */
  get residentMb(): number {
    return residentBytes(this.pid) / 1e6;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** CPU time, user and system, since the start, in milliseconds. */
  get cpuMs(): number {
    const { user, system } = processorTime(this.pid);
    return user + system;
  }

  /** Longest block of the event loop since the last call, in milliseconds; 0 if below 3. */
  takeLongestBlock(): number {
    return Math.max(0, ...this.#blocks.splice(0));
  }

  /** One scrape like Prometheus', compressed, read to its end. @throws Error for a status other than 200. */
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

  /** The value of one series of /metrics, by its exact text. @throws Error if it does not exist. */
  async value(series: string): Promise<number> {
    const response = await fetch(this.#url);
    const line = (await response.text()).split('\n').find((text) => text.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no series ${series} at ${this.#url}`);
    return Number(line.slice(series.length + 1));
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
