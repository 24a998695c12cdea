import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import {
  acceptsGzip,
  negotiateFormat,
  OPENMETRICS_CONTENT_TYPE,
  toOpenMetrics,
  type ExpositionFormat,
} from './accept.ts';
import { refusals } from '../refusals/refusals.ts';
import { sendText, type WebHandler } from './answer.ts';
import { SendingPages } from './sending.ts';
import { sourceOf } from './source.ts';

const compress = promisify(gzip);

/** A request for /metrics. */
export interface Scrape {
  readonly format: ExpositionFormat;
  /**
   * Aborted with a ScrapeAbort as reason. TIMEOUT: return the part rendered so far, since the client will not wait for
   * the rest. CLIENT_LEFT: stop.
   */
  readonly signal: AbortSignal;
  /** Identifies the Prometheus server; undefined for other clients. Two servers behind one address are one scraper. */
  readonly scraper?: string | undefined;
}

export class ScrapeAbort extends Error {
  override readonly name = 'ScrapeAbort';
  readonly code: 'TIMEOUT' | 'CLIENT_LEFT';

  constructor(code: ScrapeAbort['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A response for /metrics. */
export interface MetricsPage {
  /** One of accept.ts. A text is converted to OpenMetrics if the client requested that. */
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Called when `body` is no longer needed, so that its buffer can be reused. */
  readonly release?: () => void;
}

export interface ScrapeRouteOptions {
  /** Renders /metrics. A rejection becomes status 500, so it should be a last resort. */
  readonly metrics: (scrape: Scrape) => Promise<MetricsPage>;
  /** Formats that `metrics` renders itself, besides text. Default: OpenMetrics, to which a text is converted. */
  readonly formats?: readonly ExpositionFormat[];
  /**
   * Maximum number of scrapes that are rendered at a time. Further ones get status 503, except for as many more of
   * clients (sourceOf) with none, so that no single one keeps the others away. Default: 5.
   */
  readonly maxConcurrentScrapes?: number;
}

/** Fraction of the client's timeout for rendering; the rest is for compression and sending. */
const RENDER_SHARE = 0.8;

/** Prometheus and what scrapes like it send their timeout with each scrape; people's clients don't. */
function scraperOf(request: IncomingMessage): string | undefined {
  if (scrapeTimeoutMs(request) === undefined) return undefined;
  return `${request.socket.remoteAddress ?? ''} ${request.headers['user-agent'] ?? ''}`;
}

/** Prometheus' timeout for the scrape in milliseconds; undefined if the request has none. */
export function scrapeTimeoutMs(request: IncomingMessage): number | undefined {
  const seconds = Number(request.headers['x-prometheus-scrape-timeout-seconds']);
  return seconds > 0 && seconds <= 3600 ? seconds * 1000 : undefined;
}

export function scrapeRoute(options: ScrapeRouteOptions): WebHandler {
  const limit = options.maxConcurrentScrapes ?? 5;
  const sending = new SendingPages();
  const places = new Places(limit);
  return async (request, response) => {
    const leave = places.take(sourceOf(request.socket.remoteAddress));
    if (leave === undefined) {
      refusals.add('scrapes');
      response.setHeader('Retry-After', '1');
      sendText(response, 503, `Limit of ${limit} concurrent scrapes reached, try again later.`);
      return;
    }
    // Listen from the start: the client may disconnect at any time, and the event is emitted only once.
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    const { signal, stop } = watchClient(request, response);
    let page: MetricsPage | undefined;
    try {
      const format = negotiateFormat(request.headers.accept, options.formats);
      page = await options.metrics({ format, signal, scraper: scraperOf(request) });
      // Skip if the client has disconnected or already has the response for the timeout.
      if (!isAnswered(response)) await sendPage(request, response, inFormat(page, format), sending);
    } catch (error) {
      if (!response.destroyed && !response.writableEnded) throw error;
    } finally {
      stop();
      // The place is for rendering: a client that reads slowly must not keep it.
      leave();
      // Until then the socket may use the body.
      const { release } = page ?? {};
      if (release !== undefined) void closed.then(release);
    }
  };
}

/** The places of scrapes that are being rendered. */
class Places {
  readonly #limit: number;
  /** Scrapes under way by client. */
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns a function that frees the place; undefined if there is none */
  take(source: string): (() => void) | undefined {
    const own = this.#taken.get(source) ?? 0;
    if (this.#total >= (own === 0 ? 2 : 1) * this.#limit) return undefined;
    this.#taken.set(source, own + 1);
    this.#total++;
    return () => {
      const left = (this.#taken.get(source) ?? 0) - 1;
      if (left > 0) this.#taken.set(source, left);
      else this.#taken.delete(source);
      this.#total--;
    };
  }
}

function isAnswered(response: ServerResponse): boolean {
  return response.headersSent || response.destroyed;
}

/** Aborts rendering shortly before the scrape's timeout, and responds with 503 if it does not end in time. */
function watchClient(request: IncomingMessage, response: ServerResponse) {
  const abort = new AbortController();
  const timeoutMs = scrapeTimeoutMs(request);
  response.once('close', () => abort.abort(new ScrapeAbort('CLIENT_LEFT', 'the client has disconnected')));
  if (timeoutMs === undefined) return { signal: abort.signal, stop: () => undefined };
  const soft = setTimeout(
    () => abort.abort(new ScrapeAbort('TIMEOUT', `the scrape timeout of ${timeoutMs / 1000} s is nearly over`)),
    timeoutMs * RENDER_SHARE,
  );
  const hard = setTimeout(() => {
    if (!response.headersSent) sendText(response, 503, `Not rendered within the scrape timeout.`);
  }, timeoutMs);
  return {
    signal: abort.signal,
    stop: () => {
      clearTimeout(soft);
      clearTimeout(hard);
    },
  };
}

/** Sends `page`, compressed if the client accepts gzip. Level 1 is three times as fast, for 10 % more bytes. */
async function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, text }: ReturnType<typeof inFormat>,
  sending: SendingPages,
): Promise<void> {
  let body = typeof text === 'string' ? Buffer.from(text) : text;
  const zipped = acceptsGzip(request.headers['accept-encoding']);
  if (zipped) body = await compress(body, { level: constants.Z_BEST_SPEED });
  if (isAnswered(response)) return;
  sending.add(response, body.length);
  response.writeHead(200, {
    'Content-Type': contentType,
    Vary: 'Accept, Accept-Encoding',
    'Content-Length': body.length,
    ...(zipped && { 'Content-Encoding': 'gzip' }),
  });
  response.end(body);
}

function inFormat({ contentType, body }: MetricsPage, format: ExpositionFormat) {
  if (format !== 'openmetrics' || typeof body !== 'string' || !contentType.startsWith('text/plain')) {
    return { contentType, text: body };
  }
  return { contentType: OPENMETRICS_CONTENT_TYPE, text: `${toOpenMetrics(body)}# EOF\n` };
}
