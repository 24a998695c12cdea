import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../flags.ts';

/** The address can't be listened on; the message is for the user. */
export class ListenError extends Error {
  readonly code = 'LISTEN';
  override readonly name = 'ListenError';
}

export interface ListenAddress {
  /** Undefined: every address, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Parses `:9400`, `127.0.0.1:0`, `localhost:9400` or `[::1]:9400`; port 0 takes a free one.
 *
 * @throws UsageError
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError(`--web.listen-address: expected [host]:port such as :9400 or [::1]:9400, got "${text}"`);
  }
  const host = match[1] ?? match[2];
  return { host: host === '' ? undefined : host, port };
}

export interface Listener {
  /** Where it listens, `host:port` with the real port. */
  readonly address: string;
  /** Stops accepting, ends idle connections at once, waits for requests under way, at most `drainMs`. */
  close(): Promise<void>;
}

/** What bounds one client, so that many slow ones can't fill the program. Times in milliseconds. */
export interface ServerLimits {
  /** From the connection's start, or the last answer's end and the next request's first byte, to the last header. */
  readonly headersMs: number;
  /** Until the whole request is there. */
  readonly requestMs: number;
  /** Without a byte while a request is answered. */
  readonly silentMs: number;
  /** Between two requests. Longer than the usual scrape interval: a connection and its TLS handshake serve many. */
  readonly idleMs: number;
  readonly connections: number;
  /** How often the first two are looked at. */
  readonly checkMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 20_000,
  silentMs: 60_000,
  idleMs: 90_000,
  connections: 512,
  checkMs: 2_000,
};

export interface ListenOptions {
  /** Makes the server; the place of TLS. Default: plain HTTP. */
  readonly createServer?: (options: ServerOptions, handler: RequestListener) => Server;
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Partial<ServerLimits>;
  /** Milliseconds. Default: 4500, which leaves the rest of a program's 5 s to what stops after it. */
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
 * @throws UsageError for an address that isn't one, ListenError such as `listen 127.0.0.1:9400: address in use`.
 */
export async function listen(
  handler: RequestListener,
  address: string,
  options: ListenOptions = {},
): Promise<Listener> {
  const { host, port } = parseListenAddress(address);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const server = (options.createServer ?? createServer)(serverOptions(limits), handler);
  server.timeout = limits.silentMs;
  server.maxConnections = limits.connections;
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

/** A kept-alive connection becomes idle only after the answer under way, so idle ones are looked for again. */
async function drain(server: Server, milliseconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const giveUp = setTimeout(() => server.closeAllConnections(), milliseconds);
  await closed;
  clearInterval(sweep);
  clearTimeout(giveUp);
}
