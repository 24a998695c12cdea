import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { refusals, type RefusalReason } from '../refusals/refusals.ts';
import { sourceOf } from './source.ts';

/** Times in milliseconds. */
export interface ConnectionLimits {
  /** Open connections at a time. */
  readonly connections: number;
  /** Requests of a connection at a time: further ones were sent before the first was answered. */
  readonly pipelined: number;
  /** Time to read a response, from when all of it was handed over. */
  readonly unreadMs: number;
  /** Time after which a request under way may give way to a new connection. */
  readonly busyMs: number;
  /** Time between two requests for a client that was refused, such as one without a password. */
  readonly refusedIdleMs: number;
  /** Interval between checks. */
  readonly checkMs: number;
}

interface Connection {
  /** Over TLS first the one below TLS. */
  socket: Socket;
  readonly source: string;
  /** Response -> when all of it was found handed over; undefined before. */
  readonly responses: Map<ServerResponse, number | undefined>;
  /** Since when it waits for a request, or works on one. */
  sinceMs: number;
}

/** Time for a client to read the response to a request that it is still sending, milliseconds. */
const LINGER_MS = 1000;

/**
 * The open connections of a server, so that no client can keep others away. One too many closes another: of the client
 * with most connections (sourceOf), the one that has been idle longest, or whose request is under way for long.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** By the client's address and port: a TLS connection has another socket than its TCP connection. */
  readonly #open = new Map<string, Connection>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Watches a server that calls a handler of `guard`. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.on('secureConnection', (socket: Socket) => {
      const connection = this.#open.get(keyOf(socket));
      if (connection !== undefined) connection.socket = socket;
    });
    const sweep = setInterval(() => this.#sweep(), this.#limits.checkMs).unref();
    server.once('close', () => clearInterval(sweep));
  }

  /** `handler` for the requests that the limits allow. */
  guard(handler: RequestListener): RequestListener {
    return (request, response) => {
      if (this.#begin(request, response)) handler(request, response);
    };
  }

  #admit(socket: Socket): void {
    // The client has left already.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    if (this.#open.size >= this.#limits.connections && !this.#makeRoom()) {
      refusals.add('connections');
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    const source = sourceOf(socket.remoteAddress);
    const connection: Connection = { socket, source, responses: new Map(), sinceMs: performance.now() };
    this.#open.set(key, connection);
    socket.once('close', () => {
      // Unless the client has connected again from the same port.
      if (this.#open.get(key) === connection) this.#open.delete(key);
      setImmediate(() => abandon(connection));
    });
  }

  /** Closes a connection. @returns false if all are in use */
  #makeRoom(): boolean {
    const found = this.#leastNeeded();
    if (found === undefined) return false;
    const [key, connection] = found;
    close(connection, connection.responses.size === 0 ? 'idle_connection' : 'busy_connection');
    this.#open.delete(key);
    return true;
  }

  #leastNeeded(): [string, Connection] | undefined {
    const counts = new Map<string, number>();
    for (const { source } of this.#open.values()) counts.set(source, (counts.get(source) ?? 0) + 1);
    const busySinceMs = performance.now() - this.#limits.busyMs;
    // Most connections of a client first, then idle before busy, then the longest.
    const rank = ({ source, responses, sinceMs }: Connection) => [
      -(counts.get(source) ?? 0),
      Math.sign(responses.size),
      sinceMs,
    ];
    let found: [string, Connection] | undefined;
    for (const entry of this.#open) {
      const [, connection] = entry;
      if (connection.responses.size > 0 && connection.sinceMs > busySinceMs) continue;
      if (found === undefined || isBefore(rank(connection), rank(found[1]))) found = entry;
    }
    return found;
  }

  #begin(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    const connection = this.#open.get(keyOf(socket));
    // The parser goes on with what it has already received of a connection that was closed.
    if (connection === undefined || socket.destroyed) return false;
    const { responses } = connection;
    if (responses.size >= this.#limits.pipelined) {
      close(connection, 'pipelined');
      return false;
    }
    if (responses.size === 0) connection.sinceMs = performance.now();
    responses.set(response, undefined);
    response.once('finish', () => this.#answered(request, response));
    response.once('close', () => {
      responses.delete(response);
      connection.sinceMs = performance.now();
    });
    return true;
  }

  #answered(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (!request.complete) {
      // Nobody wants the rest. Closing at once would also discard the response at the client.
      socket.end();
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    } else if (response.statusCode >= 400 && response.statusCode < 500) {
      // Node.js has set its own time between two requests just before.
      socket.setTimeout(this.#limits.refusedIdleMs);
    }
  }

  /** Closes the connections of those who do not read. */
  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#open.values()) {
      for (const [response, handedOverMs] of connection.responses) {
        if (handedOverMs === undefined) {
          if (response.writableEnded) connection.responses.set(response, now);
        } else if (now - handedOverMs > this.#limits.unreadMs) {
          close(connection, 'unread');
          break;
        }
      }
    }
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function close({ socket }: Connection, reason: RefusalReason): void {
  if (socket.destroyed) return;
  refusals.add(reason);
  socket.destroy();
}

/**
 * Ends the responses of a closed connection that waited for their turn: Node.js only ends the one whose turn it was, and
 * the others would be worked on forever.
 */
function abandon({ responses }: Connection): void {
  for (const response of responses.keys()) {
    response.destroy();
    response.emit('close');
  }
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const differing = a.findIndex((value, at) => value !== b[at]);
  return differing !== -1 && (a[differing] ?? 0) < (b[differing] ?? 0);
}
