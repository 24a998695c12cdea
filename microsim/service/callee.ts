import { Agent, request } from 'node:http';
import type { CalleeAddress } from '../protocol/process-config.ts';
import type { TrafficStats } from '../protocol/status.ts';
import { Traffic } from './traffic.ts';

/** Idle connections are kept for this time, in milliseconds. Servers keep them longer, so the caller closes them. */
const IDLE_MS = 30_000;
/** More than the requests in progress of any caller, so none waits for a connection. */
const MAX_CONNECTIONS = 1024;
const MAX_IDLE_CONNECTIONS = 32;

/** A callee refused the connection, failed, closed the connection or timed out. */
export class CallError extends Error {
  readonly code = 'CALL';
  override readonly name = 'CallError';
  /** The callee's status; undefined if it did not answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

interface Attempt {
  readonly host: string;
  readonly body: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadline: number;
}

/** Client for one service, all replicas in turn: keep-alive connections, a timeout, and counts of the results. */
export class Callee {
  readonly #name: string;
  readonly #hosts: readonly string[];
  readonly #port: number;
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  readonly #traffic = new Traffic();
  #calls = 0;

  constructor(name: string, { host, port, others = [] }: CalleeAddress, timeoutMs: number) {
    this.#name = name;
    this.#hosts = [host, ...others];
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    // Last in, first out: connections that only a burst needed become idle and close.
    this.#agent = new Agent({
      keepAlive: true,
      scheduling: 'lifo',
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_MS,
    });
  }

  /**
   * Sends `body` and waits for the complete response, which is discarded.
   *
   * @throws CallError unless the status is 200.
   */
  async call(body: string, path = '/', headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const began = performance.now();
    const host = this.#hosts[this.#calls++ % this.#hosts.length] ?? '';
    let failed = true;
    try {
      for (let done = false; !done;)
        done = await this.#attempt({ host, body, path, headers, deadline: began + this.#timeoutMs });
      failed = false;
    } finally {
      this.#traffic.record(performance.now() - began, failed);
    }
  }

  stats(): TrafficStats {
    return this.#traffic.stats();
  }

  /** Resolves to false if the callee had just closed the idle connection: the caller should retry. */
  #attempt({ host, body, path, headers, deadline }: Attempt): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (why?: string, status?: number) => {
        clearTimeout(timer);
        if (why === undefined) resolve(true);
        else reject(new CallError(`${this.#name}: ${why}`, status));
      };
      const outgoing = request({
        host,
        port: this.#port,
        method: 'POST',
        path,
        agent: this.#agent,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      const timer = setTimeout(() => outgoing.destroy(new Error('timed out')), deadline - performance.now());
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const stale = outgoing.reusedSocket && error.code === 'ECONNRESET' && performance.now() < deadline;
        if (!stale) return settle(error.code ?? error.message);
        clearTimeout(timer);
        return resolve(false);
      });
      outgoing.on('response', (incoming) => {
        incoming.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
        const { statusCode: status } = incoming;
        incoming.on('end', () => settle(status === 200 ? undefined : `status ${status}`, status));
        incoming.resume();
      });
      outgoing.end(body);
    });
  }
}
