import { Child, type Command } from './child.ts';
import type { Site } from './site.ts';

/** The load on the server. A rate that cannot be reached is limited by the responses. */
export interface Pace {
  /** Connections that stay open for many requests. */
  readonly kept: number;
  readonly requestsPerSecond: number;
  /** Connections for one request each. */
  readonly connectionsPerSecond: number;
  readonly seconds: number;
  /** Requests of HTTP/1.1 instead of an unknown protocol. */
  readonly http?: true;
}

/** The client's results. Requests and latencies are those of the connections that stay open. */
export interface Done {
  readonly seconds: number;
  readonly requests: number;
  readonly connections: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export const AS_FAST_AS_POSSIBLE = 1e9;

/**
 * An echo server and a client with a fixed rate, in two cgroups of a fleet: both ends of every connection are local.
 */
export class Load {
  readonly #client: (args: readonly string[]) => Command;
  readonly #port: string;

  private constructor(port: string, client: (args: readonly string[]) => Command) {
    this.#port = port;
    this.#client = client;
  }

  /** Runs the server during `work`. */
  static async during<T>({ workshop, loopback, fleet }: Site, work: (load: Load) => Promise<T>): Promise<T> {
    const [clients, servers] = fleet.pair;
    const client = workshop.program('load/paced-client.c');
    const command = loopback.inside(servers, [workshop.program('load/echo-server.c')]);
    const [server, port] = await Child.ready(command);
    try {
      return await work(new Load(port, (args) => loopback.inside(clients, [client, ...args])));
    } finally {
      await server.stop('end of input');
    }
  }

  async run({ kept, requestsPerSecond, connectionsPerSecond, seconds, http }: Pace): Promise<Done> {
    const numbers = [kept, requestsPerSecond, connectionsPerSecond, seconds].map(String);
    const protocol = http ? ['http'] : [];
    return JSON.parse(await Child.run(this.#client([this.#port, ...numbers, ...protocol]))) as Done;
  }
}
