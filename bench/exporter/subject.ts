import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';

export interface Scrape {
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
}

/** A program under measurement that serves /metrics. */
export class Subject {
  readonly #child: ChildProcess;
  readonly #url: string;
  /** Like Prometheus: one connection, kept open. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.#url = `http://${address}/metrics`;
  }

  /** Starts a program and waits for the line on standard error that tells its address. */
  static async start(command: readonly [string, ...string[]]): Promise<Subject> {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'] });
    const log: string[] = [];
    const address = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr).on('line', (line) => {
        log.push(line);
        const listening = /msg=listening address=(\S+)/.exec(line)?.[1];
        if (listening !== undefined) resolve(listening);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${program} ended: ${log.join('\n')}`)));
    });
    return new Subject(child, address);
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

  /** One scrape as Prometheus makes it, compressed, read to its end. */
  scrape(headers: Readonly<Record<string, string>> = { 'accept-encoding': 'gzip' }): Promise<Scrape> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      get(this.#url, { agent: this.#agent, headers }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('end', () => resolve({ ms: performance.now() - started, status: response.statusCode ?? 0, bytes }));
        response.on('error', reject);
      }).on('error', reject);
    });
  }

  async text(): Promise<string> {
    return await (await fetch(this.#url)).text();
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
