import { Child, type Command } from './child.ts';
import type { Site } from './site.ts';

/** What is asked of the server, for so many seconds; a rate out of reach is as fast as the answers come. */
export interface Pace {
  /** Connections that stay open, over which requests are sent. */
  readonly kept: number;
  readonly requestsPerSecond: number;
  /** Connections for one request each. */
  readonly connectionsPerSecond: number;
  readonly seconds: number;
}

/** What the client did. Requests and latencies are those of the kept connections. */
export interface Done {
  readonly seconds: number;
  readonly requests: number;
  readonly connections: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export const AS_FAST_AS_POSSIBLE = 1e9;

/** A small server and a client with a pace, in two cgroups of a fleet: both ends of every connection are local. */
export class Load {
  readonly #client: (args: readonly string[]) => Command;
  readonly #port: string;

  private constructor(port: string, client: (args: readonly string[]) => Command) {
    this.#port = port;
    this.#client = client;
  }

  /** Has the server run for `work`. */
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

  async run({ kept, requestsPerSecond, connectionsPerSecond, seconds }: Pace): Promise<Done> {
    const numbers = [kept, requestsPerSecond, connectionsPerSecond, seconds].map(String);
    return JSON.parse(await Child.run(this.#client([this.#port, ...numbers]))) as Done;
  }
}
