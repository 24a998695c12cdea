import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { UsageError } from './flags.ts';
import { describeError, type Logger } from './logger.ts';

const compress = promisify(gzip);

/** What one answer on /metrics is made of. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Called once `body` isn't needed any more, so that its buffer can be used again. */
  readonly release?: () => void;
}

export interface WebAppOptions {
  readonly name: string;
  readonly description: string;
  /** Renders /metrics. A rejection becomes status 500, so it should be a last resort. */
  readonly metrics: () => Promise<MetricsPage>;
  /** `true`, or why the program can't do its work yet. */
  readonly ready: () => true | string;
  /** Reloads the configuration; a rejection becomes status 500 with its message. */
  readonly reload?: () => void | Promise<void>;
  /** Whether POST /-/reload is allowed (`--web.enable-lifecycle`). Default: false. */
  readonly enableLifecycle?: boolean;
  /** More links of the landing page: path -> text. */
  readonly links?: Readonly<Record<string, string>>;
  /** Run before every route, in order: the place of authentication. */
  readonly before?: readonly RequestHandler[];
  /** More routes of the program. */
  readonly routes?: RequestHandler;
  /** Scrapes under way at once; one more gets status 503. Default: 5. */
  readonly maxConcurrentScrapes?: number;
  readonly logger?: Logger;
}

/** The pages that every program of the product serves: landing page, /metrics, health, readiness, reload. */
export function createWebApp(options: WebAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // An ETag would hash megabytes that are never the same twice.
  app.disable('etag');
  for (const handler of options.before ?? []) app.use(handler);
  app.get('/', (_request, response) => void response.type('html').send(renderLandingPage(options)));
  app.get('/metrics', metricsRoute(options));
  app.get('/-/healthy', (_request, response) => sendText(response, 200, `${options.name} is healthy.`));
  app.get('/-/ready', (_request, response) => {
    const ready = options.ready();
    if (ready === true) sendText(response, 200, `${options.name} is ready.`);
    else sendText(response, 503, `${options.name} is not ready: ${ready}`);
  });
  app.all('/-/reload', reloadRoute(options));
  if (options.routes !== undefined) app.use(options.routes);
  app.use((_request, response) => sendText(response, 404, 'Not found.'));
  app.use(errorRoute(options));
  return app;
}

function sendText(response: Response, status: number, text: string): void {
  response.status(status).type('text/plain').send(`${text}\n`);
}

/** How long a scrape may go without a byte being sent. */
const STALLED_MS = 30_000;

function metricsRoute(options: WebAppOptions): RequestHandler {
  const limit = options.maxConcurrentScrapes ?? 5;
  let underWay = 0;
  return async (request, response) => {
    if (underWay >= limit) {
      response.set('Retry-After', '1');
      sendText(response, 503, `Limit of ${limit} concurrent scrapes reached, try again later.`);
      return;
    }
    underWay++;
    // Listened for from the start: a client may leave at any moment, and nothing tells twice.
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    // One that stops reading would keep its place among the concurrent scrapes.
    response.setTimeout(STALLED_MS, () => response.destroy());
    try {
      const page = await options.metrics();
      try {
        await sendPage(request, response, page);
        // Until then the socket may hold the body.
        await closed;
      } finally {
        page.release?.();
      }
    } finally {
      underWay--;
    }
  };
}

/** Sends `page`, compressed where the client takes gzip. Level 1: three times the speed for a tenth more bytes. */
async function sendPage(request: Request, response: Response, page: MetricsPage): Promise<void> {
  response.set({ 'Content-Type': page.contentType, Vary: 'Accept-Encoding' });
  let body = typeof page.body === 'string' ? Buffer.from(page.body) : page.body;
  if (request.acceptsEncodings('gzip', 'identity') === 'gzip') {
    body = await compress(body, { level: constants.Z_BEST_SPEED });
    response.set('Content-Encoding', 'gzip');
  }
  response.set('Content-Length', String(body.length));
  response.end(body);
}

function reloadRoute(options: WebAppOptions): RequestHandler {
  return async (request, response) => {
    if (request.method !== 'POST' && request.method !== 'PUT') {
      response.set('Allow', 'POST, PUT');
      sendText(response, 405, 'Only POST or PUT requests allowed.');
    } else if (options.enableLifecycle !== true) {
      sendText(response, 403, 'Lifecycle API is not enabled: start with --web.enable-lifecycle.');
    } else if (options.reload === undefined) {
      sendText(response, 404, 'There is nothing to reload.');
    } else {
      try {
        await options.reload();
        sendText(response, 200, 'Reloaded.');
      } catch (error) {
        sendText(response, 500, `Reload failed: ${describeError(error)}`);
      }
    }
  };
}

function errorRoute(options: WebAppOptions) {
  // Express tells an error handler by its four parameters.
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    // body-parser's and express' own errors carry the status that they mean.
    const status = (error as { status?: unknown }).status;
    if (typeof status === 'number' && status < 500) {
      sendText(response, status, describeError(error));
      return;
    }
    options.logger?.error('request failed', { path: request.path, error: describeError(error) });
    if (response.headersSent) response.destroy();
    else sendText(response, 500, describeError(error));
  };
}

function renderLandingPage(options: WebAppOptions): string {
  const links = {
    '/metrics': 'Metrics',
    ...options.links,
    '/-/healthy': 'Health',
    '/-/ready': 'Readiness',
  };
  const items = Object.entries(links).map(
    ([path, text]) => `<li><a href="${escapeHtml(path)}">${escapeHtml(text)}</a></li>`,
  );
  const name = escapeHtml(options.name);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${name}</title></head>
<body>
<h1>${name}</h1>
<p>${escapeHtml(options.description)}</p>
<ul>
${items.join('\n')}
</ul>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

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

export interface ListenOptions {
  /** Makes the server; the place of TLS. Default: plain HTTP. */
  readonly createServer?: (handler: RequestListener) => Server;
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
  const server = (options.createServer ?? createServer)(handler);
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
