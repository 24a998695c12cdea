import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeCalls, swallows } from './call-faults.ts';
import { CallError, Callee } from './callee.ts';
import type { Fault } from '../protocol/fault.ts';
import { InjectedFault } from './injected-fault.ts';
import { readText } from '../protocol/json-http.ts';
import type { ServiceConfig } from '../protocol/process-config.ts';
import { createRandom, type Random } from '../protocol/random.ts';
import { RouteError, parseRoute, type Route, type RouteFault } from '../protocol/route.ts';
import type { ServiceStats } from '../protocol/status.ts';
import { UNTRACED, type RequestSpan, type Tracing } from './tracing.ts';
import { Traffic } from './traffic.ts';

const MAX_BODY = 64 * 1024;
/** Milliseconds. Longer than callers keep idle connections, so that no request hits a closing one. */
const KEEP_ALIVE_MS = 65_000;
const RESPONSE_SPREAD = 0.2;
/** Limit on the memory held by all `memory-leak` faults of requests, in MB. */
const MAX_HELD_MB = 512;

/** A request being served: its span, and the path with which it calls others. */
interface Served {
  readonly span: RequestSpan;
  readonly path: string;
}

/** One service: accepts routes on TCP, works, calls the services in the route (see `route.ts`), and simulates faults. */
export class SimulatedService {
  readonly #config: ServiceConfig;
  readonly #tracing: Tracing;
  readonly #random: Random;
  readonly #injected: InjectedFault;
  readonly #callees = new Map<string, Callee>();
  readonly #traffic = new Traffic();
  readonly #server: Server;
  readonly #padding: string;
  #active = 0;
  #rejected = 0;
  #heldMb = 0;

  constructor(config: ServiceConfig, tracing = UNTRACED) {
    this.#config = config;
    this.#tracing = tracing;
    this.#random = createRandom(config.seed);
    this.#injected = new InjectedFault(this.#random);
    this.#padding = 'x'.repeat(config.response_bytes * 2);
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, response) => {
      void this.#serve(incoming, response);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#config.listen, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Replaces the active fault by `fault`; null clears it. */
  async setFault(fault: Fault | null): Promise<void> {
    if (fault === null) this.#injected.lift();
    else this.#injected.inject(fault);
    if (fault?.type === 'refuse') {
      if (!this.#server.listening) return;
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.#server.closeAllConnections();
      await closed;
    } else if (!this.#server.listening) {
      await this.listen();
    }
  }

  stats(): ServiceStats {
    const { user, system } = process.cpuUsage();
    return {
      service: this.#config.service,
      listening: this.#server.listening,
      fault: this.#injected.fault,
      active: this.#active,
      rejected: this.#rejected,
      ...this.#traffic.stats(),
      cpu_seconds: (user + system) / 1e6,
      rss_mb: process.memoryUsage.rss() / 1024 / 1024,
      leaked_mb: this.#injected.leakedMb,
      calls: Object.fromEntries([...this.#callees].map(([name, callee]) => [name, callee.stats()])),
    };
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url?.split('?')[0] ?? '/';
    const span = this.#tracing.serve(path, incoming.headers);
    if (this.#active >= this.#config.max_concurrent) {
      this.#rejected += 1;
      incoming.resume();
      span.end(503);
      this.#answer(response, 503, 'too many requests in progress');
      return;
    }
    const began = performance.now();
    this.#active += 1;
    let status = 200;
    let error: string | null = null;
    try {
      await this.#work(incoming, response, { span, path });
    } catch (cause) {
      status = statusOf(cause);
      error = (cause as Error).message;
    }
    this.#active -= 1;
    this.#traffic.record(performance.now() - began, status !== 200);
    span.end(status);
    this.#answer(response, status, error);
  }

  async #work(incoming: IncomingMessage, response: ServerResponse, request: Served): Promise<void> {
    const text = await readText(incoming, MAX_BODY);
    if (this.#injected.failsNow()) throw new Error('injected error');
    const route = this.#parse(incoming, text);
    await this.#injected.delay();
    for (const fault of route.faults.before) await this.#show(fault);
    await sleep(this.#random.logNormal(this.#config.wait_ms, this.#config.wait_spread));
    this.#injected.compute(this.#config.cpu_ms);
    const drawn = route.routes.filter(({ probability }) => this.#random.next() * 100 < probability);
    // Kept until the calls end: one that was made to fail must be swallowed even if the fault is cleared meanwhile.
    const { fault: active } = this.#injected;
    const calls = changeCalls(drawn, active, this.#random);
    const swallowed = (callee: string) => swallows(active, callee);
    if (route.parallel) {
      await Promise.all(calls.map((call) => this.#call(call, request, swallowed)));
    } else {
      for (const call of calls) {
        // Stop if the caller has disconnected: this clears the backlog of a pause quickly.
        if (response.destroyed) return;
        await this.#call(call, request, swallowed);
      }
    }
    for (const fault of route.faults.after) await this.#show(fault);
  }

  #parse(incoming: IncomingMessage, text: string | undefined): Route {
    if (incoming.method !== 'POST' || text === undefined) throw new RouteError('expected POST with a route');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new RouteError('route: expected JSON');
    }
    const route = parseRoute(value);
    if (route.designation === this.#config.service) return route;
    throw new RouteError(`route.designation: this is ${this.#config.service}`);
  }

  /** @param swallowed true if a failure of the callee must not fail the request. */
  async #call(route: Route, { span, path }: Served, swallowed: (callee: string) => boolean): Promise<void> {
    const { designation } = route;
    const callee = this.#callee(designation);
    const call = span.call(designation);
    try {
      await callee.call(JSON.stringify(route), path, call.headers);
      call.end(200);
    } catch (error) {
      const { status, message } = error as CallError;
      call.end(status, message);
      if (!swallowed(designation)) throw error;
    }
  }

  #callee(name: string): Callee {
    const { callees, timeout_ms } = this.#config;
    const address = Object.hasOwn(callees, name) ? callees[name] : undefined;
    if (address === undefined) throw new RouteError(`no such service: ${name}`);
    let callee = this.#callees.get(name);
    if (callee === undefined) {
      callee = new Callee(name, address, timeout_ms);
      this.#callees.set(name, callee);
    }
    return callee;
  }

  async #show(fault: RouteFault): Promise<void> {
    if (fault.type === 'latency') {
      await sleep(fault.args.delay);
      return;
    }
    if (fault.type === 'error') throw new Error('error of the route');
    const { size, duration } = fault.args;
    if (this.#heldMb + size > MAX_HELD_MB) return;
    this.#heldMb += size;
    const held = Buffer.alloc(size * 1024 * 1024, 1);
    setTimeout(() => {
      this.#heldMb -= held.length / 1024 / 1024;
    }, duration);
  }

  #answer(response: ServerResponse, status: number, error: string | null): void {
    if (response.destroyed) return;
    const { service, response_bytes } = this.#config;
    const size = Math.min(this.#padding.length, Math.round(this.#random.logNormal(response_bytes, RESPONSE_SPREAD)));
    const padding = status === 200 ? this.#padding.slice(0, size) : undefined;
    const text = JSON.stringify({ service, error, padding });
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof CallError) return 502;
  return error instanceof RouteError ? 400 : 500;
}
