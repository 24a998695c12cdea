import { setMaxListeners } from 'node:events';
import { Agent, ProxyAgent, request as send, type Dispatcher } from 'undici';
import { brokeWhileIdle, HttpError, toHttpError } from './error.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import { keepsSecrets, redirect } from './redirect.ts';
import { readAuthorization, readTlsMaterial, type HttpClientSettings, type TlsMaterial } from './settings.ts';

export type { HttpRequest, HttpResponse } from './message.ts';
export { HttpError, type HttpErrorCode } from './error.ts';
export { httpClientSchema, type HttpClientSettings } from './settings.ts';

export interface HttpClient {
  /** Resolves with the response, whatever its status. @throws HttpError */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Aborts pending requests and closes the connections. Idempotent. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  readonly timeoutMs: number;
  /** Default 128 MiB. */
  readonly maxBytes?: number;
  readonly userAgent?: string;
}

const MAX_REDIRECTS = 10;
/**
 * Keeps the connection of a program that sends a request each minute. Prometheus closes idle ones after five minutes.
 */
const KEEP_ALIVE_MS = 90_000;

/**
 * An HTTP/1.1 client with Prometheus' settings. Keeps connections alive, and verifies TLS unless that is disabled.
 * Reads files of secrets and certificates for every request, so rotated ones take effect immediately.
 *
 * @example createHttpClient(httpClientSchema.parse({}), { timeoutMs: 10_000 })
 */
export function createHttpClient(settings: HttpClientSettings, options: HttpClientOptions): HttpClient {
  return new UndiciClient(settings, options);
}

class UndiciClient implements HttpClient {
  readonly #settings: HttpClientSettings;
  readonly #options: HttpClientOptions;
  readonly #closed = new AbortController();
  #connections: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;

  constructor(settings: HttpClientSettings, options: HttpClientOptions) {
    this.#settings = settings;
    this.#options = options;
    // Each pending request listens.
    setMaxListeners(0, this.#closed.signal);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs;
    const abort = new AbortController();
    // Not AbortSignal.any: in Node.js 20 its signals live as long as the longest-lived source.
    const onAbort = () => abort.abort(new HttpError('ABORTED', 'aborted'));
    const onTimeout = () => abort.abort(new HttpError('TIMEOUT', `no response within ${timeoutMs} ms`));
    const sources = [this.#closed.signal, ...(request.signal === undefined ? [] : [request.signal])];
    for (const source of sources) {
      if (source.aborted) onAbort();
      source.addEventListener('abort', onAbort, { once: true });
    }
    const timer = setTimeout(onTimeout, timeoutMs);
    try {
      return await this.#follow(request, abort.signal);
    } catch (error) {
      throw abort.signal.aborted ? (abort.signal.reason as HttpError) : toHttpError(error);
    } finally {
      clearTimeout(timer);
      for (const source of sources) source.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connections?.dispatcher.destroy();
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { dispatcher, authorization } = await this.#credentials();
    const origin = new URL(request.url);
    let next = request;
    for (let redirects = 0; ; redirects++) {
      signal.throwIfAborted();
      const secrets = keepsSecrets(origin, new URL(next.url))
        ? { ...this.#settings.headers, ...(authorization !== undefined && { authorization }) }
        : {};
      const response = await this.#once(next, secrets, dispatcher, signal);
      const redirected = this.#settings.follow_redirects ? redirect(next, response) : undefined;
      if (redirected === undefined) return response;
      if (redirects === MAX_REDIRECTS) throw new HttpError('PROTOCOL', `more than ${MAX_REDIRECTS} redirects`);
      next = redirected;
    }
  }

  async #once(
    request: HttpRequest,
    secrets: Readonly<Record<string, string>>,
    dispatcher: Dispatcher,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const attempt = () =>
      send(request.url, {
        dispatcher,
        method: request.method,
        headers: lowerCase({
          'user-agent': this.#options.userAgent ?? 'lorikeet',
          ...lowerCase(secrets),
          ...request.headers,
        }),
        body: request.body ?? null,
        signal,
        // One timeout for the whole exchange replaces undici's timeouts for its parts.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    // The server may have closed the idle connection while the request was sent: retry once, like Go's client.
    const response = await attempt().catch((error: unknown) => {
      if (!brokeWhileIdle(error) || signal.aborted) throw error;
      return attempt();
    });
    const successful = response.statusCode >= 200 && response.statusCode < 300;
    const maxBytes = request.maxBytes ?? this.#options.maxBytes ?? 128 * 1024 * 1024;
    const body = await readBody(response, maxBytes, successful ? request.onBody : undefined);
    return { status: response.statusCode, headers: joinHeaders(response.headers), body };
  }

  async #credentials(): Promise<{ readonly dispatcher: Dispatcher; readonly authorization: string | undefined }> {
    try {
      const [authorization, tls] = await Promise.all([
        readAuthorization(this.#settings),
        readTlsMaterial(this.#settings),
      ]);
      return { dispatcher: this.#dispatcher(tls), authorization };
    } catch (error) {
      throw new HttpError('CREDENTIALS', 'a file of the HTTP client settings cannot be used', { cause: error });
    }
  }

  #dispatcher(tls: TlsMaterial): Dispatcher {
    const key = JSON.stringify(tls);
    if (this.#connections?.key === key) return this.#connections.dispatcher;
    const dispatcher = createDispatcher(this.#settings, tls);
    // The old connections close after their pending requests.
    void this.#connections?.dispatcher.close().catch(() => undefined);
    this.#connections = { key, dispatcher };
    return dispatcher;
  }
}

function createDispatcher(settings: HttpClientSettings, material: TlsMaterial): Dispatcher {
  const { server_name: serverName, insecure_skip_verify: insecure = false } = settings.tls_config ?? {};
  const tls = { ...material, rejectUnauthorized: !insecure };
  const target = { ...tls, ...(serverName !== undefined && { servername: serverName }) };
  const pool = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };
  if (settings.proxy_url === undefined) return new Agent({ ...pool, connect: target });
  // Like Go's client: http requests go to the proxy directly, https through a tunnel.
  return new ProxyAgent({ ...pool, uri: settings.proxy_url, proxyTunnel: false, proxyTls: tls, requestTls: target });
}

async function readBody(
  response: Dispatcher.ResponseData,
  maxBytes: number,
  onBody: HttpRequest['onBody'],
): Promise<Buffer> {
  const refuse = (error: HttpError): never => {
    response.body.on('error', () => undefined).destroy();
    throw error;
  };
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    refuse(new HttpError('PROTOCOL', `unexpected content encoding ${JSON.stringify(encoding)}`));
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) refuse(new HttpError('TOO_LARGE', `the response exceeds ${maxBytes} bytes`));
    if (onBody === undefined) chunks.push(chunk);
    else onBody(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joinHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
