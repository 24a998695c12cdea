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
import { sendText, type WebHandler } from './answer.ts';

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
  /** Maximum number of concurrent scrapes; further ones get status 503. Default: 5. */
  readonly maxConcurrentScrapes?: number;
}

/** Maximum time of a scrape without data sent. */
const STALLED_MS = 30_000;
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
  let active = 0;
  return async (request, response) => {
    if (active >= limit) {
      response.setHeader('Retry-After', '1');
      sendText(response, 503, `Limit of ${limit} concurrent scrapes reached, try again later.`);
      return;
    }
    active++;
    // Listen from the start: the client may disconnect at any time, and the event is emitted only once.
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    // A client that stops reading would count as a concurrent scrape forever.
    response.setTimeout(STALLED_MS, () => response.destroy());
    const { signal, stop } = watchClient(request, response);
    try {
      const format = negotiateFormat(request.headers.accept, options.formats);
      const page = await options.metrics({ format, signal, scraper: scraperOf(request) });
      try {
        // Skip if the client has disconnected or already has the response for the timeout.
        if (!response.headersSent && !response.destroyed) await sendPage(request, response, inFormat(page, format));
        // Until then the socket may use the body.
        await closed;
      } finally {
        page.release?.();
      }
    } catch (error) {
      if (!response.destroyed && !response.writableEnded) throw error;
    } finally {
      stop();
      active--;
    }
  };
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
): Promise<void> {
  let body = typeof text === 'string' ? Buffer.from(text) : text;
  const zipped = acceptsGzip(request.headers['accept-encoding']);
  if (zipped) body = await compress(body, { level: constants.Z_BEST_SPEED });
  if (response.headersSent || response.destroyed) return;
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
