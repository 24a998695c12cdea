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

/** What a client asked for when it asked for /metrics. */
export interface Scrape {
  readonly format: ExpositionFormat;
  /**
   * Aborted with a ScrapeAbort as reason when what isn't rendered by now won't be read any more: render what there is
   * (TIMEOUT), or nothing (CLIENT_LEFT).
   */
  readonly signal: AbortSignal;
}

export class ScrapeAbort extends Error {
  override readonly name = 'ScrapeAbort';
  readonly code: 'TIMEOUT' | 'CLIENT_LEFT';

  constructor(code: ScrapeAbort['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What one answer on /metrics is made of. */
export interface MetricsPage {
  /** One of http-accept.ts; text is turned into OpenMetrics where that was asked for. */
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Called once `body` isn't needed any more, so that its buffer can be used again. */
  readonly release?: () => void;
}

export interface ScrapeRouteOptions {
  /** Renders /metrics. A rejection becomes status 500, so it should be a last resort. */
  readonly metrics: (scrape: Scrape) => Promise<MetricsPage>;
  /** Scrapes under way at once; one more gets status 503. Default: 5. */
  readonly maxConcurrentScrapes?: number;
}

/** How long a scrape may go without a byte being sent. */
const STALLED_MS = 30_000;
/** The part of the client's timeout after which rendering ends: compressing and sending need the rest. */
const RENDER_SHARE = 0.8;

/** Milliseconds after which Prometheus gives a scrape up; undefined when the client doesn't say. */
export function scrapeTimeoutMs(request: IncomingMessage): number | undefined {
  const seconds = Number(request.headers['x-prometheus-scrape-timeout-seconds']);
  return seconds > 0 && seconds <= 3600 ? seconds * 1000 : undefined;
}

export function scrapeRoute(options: ScrapeRouteOptions): WebHandler {
  const limit = options.maxConcurrentScrapes ?? 5;
  let underWay = 0;
  return async (request, response) => {
    if (underWay >= limit) {
      response.setHeader('Retry-After', '1');
      sendText(response, 503, `Limit of ${limit} concurrent scrapes reached, try again later.`);
      return;
    }
    underWay++;
    // Listened for from the start: a client may leave at any moment, and nothing tells twice.
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    // One that stops reading would keep its place among the concurrent scrapes.
    response.setTimeout(STALLED_MS, () => response.destroy());
    const { signal, stop } = watchClient(request, response);
    try {
      const page = await options.metrics({ format: negotiateFormat(request.headers.accept), signal });
      try {
        // Not so when the client has left, or was told that it took too long.
        if (!response.headersSent && !response.destroyed) await sendPage(request, response, page);
        // Until then the socket may hold the body.
        await closed;
      } finally {
        page.release?.();
      }
    } catch (error) {
      if (!response.destroyed && !response.writableEnded) throw error;
    } finally {
      stop();
      underWay--;
    }
  };
}

/** Tells the renderer when it is too late, and the client when even that didn't help. */
function watchClient(request: IncomingMessage, response: ServerResponse) {
  const abort = new AbortController();
  const timeoutMs = scrapeTimeoutMs(request);
  response.once('close', () => abort.abort(new ScrapeAbort('CLIENT_LEFT', 'the client has left')));
  if (timeoutMs === undefined) return { signal: abort.signal, stop: () => undefined };
  const soft = setTimeout(
    () => abort.abort(new ScrapeAbort('TIMEOUT', `the scrape's timeout of ${timeoutMs / 1000} s is nearly over`)),
    timeoutMs * RENDER_SHARE,
  );
  const hard = setTimeout(() => {
    if (!response.headersSent) sendText(response, 503, `Not rendered within the scrape's timeout.`);
  }, timeoutMs);
  return {
    signal: abort.signal,
    stop: () => {
      clearTimeout(soft);
      clearTimeout(hard);
    },
  };
}

/** Sends `page`, compressed where the client takes gzip. Level 1: three times the speed for a tenth more bytes. */
async function sendPage(request: IncomingMessage, response: ServerResponse, page: MetricsPage): Promise<void> {
  const { contentType, text } = inFormat(page, negotiateFormat(request.headers.accept));
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
  if (format === 'text' || typeof body !== 'string' || !contentType.startsWith('text/plain')) {
    return { contentType, text: body };
  }
  return { contentType: OPENMETRICS_CONTENT_TYPE, text: `${toOpenMetrics(body)}# EOF\n` };
}
