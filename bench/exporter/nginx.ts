import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';
const CONNECTIONS = 16;

/** A web server of one process that answers everything with a few bytes. Needs Debian's nginx-light. */
export class Nginx {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #port: number;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#port = port;
  }

  static async start(port: number): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-nginx-'));
    const config = join(folder, 'nginx.conf');
    writeFileSync(config, configOf(folder, port));
    const child = spawn('nginx', ['-e', join(folder, 'error.log'), '-c', config], { stdio: 'inherit' });
    const server = new Nginx(child, folder, port);
    try {
      await listening(port);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Asks as fast as the answers come, on connections that are kept; requests a second. Needs Debian's wrk. */
  load(seconds: number): number {
    const url = `http://${HOST}:${this.#port}/`;
    const text = execFileSync('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, url], { encoding: 'utf8' });
    const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1];
    if (rate === undefined) throw new Error(`wrk: ${text}`);
    return Number(rate);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true });
  }
}

function configOf(folder: string, port: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 128; }
http {
  access_log off;
  keepalive_requests 1000000000;
  server { listen ${HOST}:${port}; location / { return 200 "ok"; } }
}
`;
}

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await isListening(port)) return;
    await sleep(50);
  }
  throw new Error('nginx did not start to listen');
}
