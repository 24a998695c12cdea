import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../flags.ts';
import { renderText } from '../secrets/redact.ts';
import { type ConnectionLimits, Connections } from './connections.ts';

/** Listening on the address failed. The message is for the user. */
export class ListenError extends Error {
  readonly code = 'LISTEN';
  override readonly name = 'ListenError';
}

export interface ListenAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Parses `:9400`, `127.0.0.1:0`, `localhost:9400` or `[::1]:9400`; port 0 selects a free one.
 *
 * @throws UsageError
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError(
      `--web.listen-address: expected [host]:port such as :9400 or [::1]:9400, got ${renderText(text)}`,
    );
  }
  const host = match[1] ?? match[2];
  return { host: host === '' ? undefined : host, port };
}

export interface Listener {
  /** `host:port` with the actual port. */
  readonly address: string;
  /** Stops accepting, closes idle connections immediately, and waits up to `drainMs` for pending requests. */
  close(): Promise<void>;
}

/** Limits for each connection, so that many slow clients cannot exhaust the program. Times in milliseconds. */
export interface ServerLimits extends ConnectionLimits {
  /**
   * Time for the headers, from the start of the connection or, when it is kept alive, from the first byte of the
   * request.
   */
  readonly headersMs: number;
  /** Time for the whole request. */
  readonly requestMs: number;
  /** Time without data while a request is handled. */
  readonly silentMs: number;
  /**
   * Time between two requests. Longer than the usual scrape interval, so scrapes reuse a connection and its TLS
   * handshake.
   */
  readonly idleMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 20_000,
  silentMs: 60_000,
  idleMs: 90_000,
  refusedIdleMs: 5_000,
  unreadMs: 30_000,
  busyMs: 5_000,
  connections: 512,
  pipelined: 16,
  checkMs: 2_000,
};

export interface ListenOptions {
  /** Creates the server, such as one with TLS. Default: plain HTTP. */
  readonly createServer?: (options: ServerOptions, handler: RequestListener) => Server;
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Partial<ServerLimits>;
  /** Milliseconds. Default: 4500, which leaves 500 ms of a program's 5 s for the steps that stop after it. */
  readonly drainMs?: number;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address in use',
  EADDRNOTAVAIL: 'address not available on this machine',
  EACCES: 'permission denied',
  ENOTFOUND: 'no such host',
};

/**
 * Serves `handler` on `address`.
 *
 * @throws UsageError for an invalid address, ListenError such as `listen 127.0.0.1:9400: address in use`.
 */
export async function listen(
  handler: RequestListener,
  address: string,
  options: ListenOptions = {},
): Promise<Listener> {
  const { host, port } = parseListenAddress(address);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const connections = new Connections(limits);
  const server = (options.createServer ?? createServer)(serverOptions(limits), connections.guard(handler));
  server.timeout = limits.silentMs;
  connections.watch(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`listen ${address}: ${REASONS[error.code ?? ''] ?? error.message}`));
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
  const bound = server.address() as AddressInfo;
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  let closing: Promise<void> | undefined;
  return {
    address: `${name}:${bound.port}`,
    close: () => (closing ??= drain(server, options.drainMs ?? 4500)),
  };
}

function serverOptions({ headersMs, requestMs, idleMs, checkMs }: ServerLimits): ServerOptions {
  return {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
  };
}

/** A kept-alive connection only becomes idle after its pending response, so idle ones are closed repeatedly. */
async function drain(server: Server, milliseconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const giveUp = setTimeout(() => server.closeAllConnections(), milliseconds);
  await closed;
  clearInterval(sweep);
  clearTimeout(giveUp);
}
