import { Agent, request } from 'node:http';
import type { TrafficStats } from '../protocol/status.ts';
import { Traffic } from './traffic.ts';

/** Idle connections are kept this long; servers keep them longer, so that it is the caller who closes. */
const IDLE_MS = 30_000;
/** More than any caller has requests in progress: nothing waits for a connection. */
const MAX_CONNECTIONS = 1024;
const MAX_IDLE_CONNECTIONS = 32;

/** A callee refused, failed, broke off or took too long. */
export class CallError extends Error {
  readonly code = 'CALL';
  override readonly name = 'CallError';
}

/** One service as its callers reach it: kept-alive connections, a time-out, and counts of what came back. */
export class Callee {
  readonly #name: string;
  readonly #host: string;
  readonly #port: number;
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  readonly #traffic = new Traffic();

  constructor(name: string, host: string, port: number, timeoutMs: number) {
    this.#name = name;
    this.#host = host;
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    // Last in, first out: after a burst the connections that it needed fall idle and close.
    this.#agent = new Agent({
      keepAlive: true,
      scheduling: 'lifo',
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_MS,
    });
  }

  /**
   * Sends `body` and waits for the whole answer, which is thrown away.
   *
   * @throws CallError unless the answer is 200.
   */
  async call(body: string): Promise<void> {
    const began = performance.now();
    let failed = true;
    try {
      for (let done = false; !done;) done = await this.#attempt(body, began + this.#timeoutMs);
      failed = false;
    } finally {
      this.#traffic.record(performance.now() - began, failed);
    }
  }

  stats(): TrafficStats {
    return this.#traffic.stats();
  }

  /** Resolves to false when the callee had closed the idle connection just before: worth another attempt. */
  #attempt(body: string, deadline: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (why?: string) => {
        clearTimeout(timer);
        if (why === undefined) resolve(true);
        else reject(new CallError(`${this.#name}: ${why}`));
      };
      const outgoing = request({
        host: this.#host,
        port: this.#port,
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
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
        incoming.on('end', () => settle(incoming.statusCode === 200 ? undefined : `status ${incoming.statusCode}`));
        incoming.resume();
      });
      outgoing.end(body);
    });
  }
}
