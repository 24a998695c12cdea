import { setMaxListeners } from 'node:events';
import { request as send, type Dispatcher } from 'undici';
import type { Authorizer } from './auth/authorizer.ts';
import { authorizeOrFail, createAuthorizer } from './auth/create-authorizer.ts';
import { readBody } from './body.ts';
import { Connections } from './connections.ts';
import { brokeWhileIdle, HttpError, toHttpError } from './error.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './message.ts';
import { keepsSecrets, redirect } from './redirect.ts';
import type { HttpClientSettings } from './settings.ts';
import { readSecretFile } from './settings/files.ts';
import { takeUserInfo } from './url.ts';

export type { HttpClient, HttpRequest, HttpResponse } from './message.ts';
export { HttpError, type HttpErrorCode } from './error.ts';
export { httpClientSchema, type HttpClientSettings } from './settings.ts';

export interface HttpClientOptions {
  readonly timeoutMs: number;
  /** Limit of a 2xx response's uncompressed size. Default: 128 MiB. */
  readonly maxBytes?: number;
  readonly userAgent?: string;
}

const MAX_REDIRECTS = 10;
const MAX_TOKEN_BYTES = 1024 * 1024;

/** Names in lower case. */
type Headers = Readonly<Record<string, string | string[]>>;

/**
 * An HTTP/1.1 client with Prometheus' settings. Keeps connections alive, and verifies TLS unless that is disabled.
 * Reads files of secrets and certificates for every request, so rotated ones take effect immediately. User and password
 * in a URL are sent as basic auth. Asks for gzip.
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
  readonly #connections: Connections;
  readonly #authorizer: Authorizer;

  constructor(settings: HttpClientSettings, options: HttpClientOptions) {
    this.#settings = settings;
    this.#options = options;
    // Each pending request listens.
    setMaxListeners(0, this.#closed.signal);
    this.#connections = new Connections(settings);
    this.#authorizer = createAuthorizer(settings, ({ tls_config: tls, ...proxy }) =>
      createHttpClient(
        {
          headers: {},
          http_headers: {},
          follow_redirects: true,
          enable_http2: true,
          proxy_from_environment: proxy.proxy_from_environment,
          ...(tls !== undefined && { tls_config: tls }),
          ...(proxy.proxy_url !== undefined && { proxy_url: proxy.proxy_url }),
          ...(proxy.no_proxy !== undefined && { no_proxy: proxy.no_proxy }),
          ...(proxy.proxy_connect_header !== undefined && { proxy_connect_header: proxy.proxy_connect_header }),
        },
        { ...options, maxBytes: MAX_TOKEN_BYTES },
      ),
    );
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
    await Promise.all([this.#connections.destroy(), this.#authorizer.close?.()]);
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { url, authorization } = takeUserInfo(request.url);
    const own = { ...(await this.#ownHeaders()), ...(authorization !== undefined && { authorization }) };
    const origin = new URL(url);
    let next: HttpRequest = { ...request, url };
    for (let redirects = 0; ; redirects++) {
      signal.throwIfAborted();
      const trusted = keepsSecrets(origin, new URL(next.url));
      const response = await this.#authorized(next, trusted ? own : undefined, signal);
      const redirected = this.#settings.follow_redirects ? redirect(next, response) : undefined;
      if (redirected === undefined) return response;
      if (redirects === MAX_REDIRECTS) throw new HttpError('PROTOCOL', `more than ${MAX_REDIRECTS} redirects`);
      next = { ...redirected, url: takeUserInfo(redirected.url).url };
    }
  }

  /** @param own headers of the settings; undefined for another origin, which gets no credentials either */
  async #authorized(request: HttpRequest, own: Headers | undefined, signal: AbortSignal): Promise<HttpResponse> {
    const headers = {
      'user-agent': this.#options.userAgent ?? 'lorikeet',
      'accept-encoding': 'gzip',
      ...own,
      ...lowerCase(request.headers ?? {}),
    };
    if (own === undefined || own['authorization'] !== undefined) return await this.#once(request, headers, signal);
    const { method, body } = request;
    const outgoing = { method, url: new URL(request.url), headers, body };
    const attempt = async () => {
      const credentials = await authorizeOrFail(this.#authorizer, outgoing, signal);
      return { credentials, response: await this.#once(request, { ...credentials, ...headers }, signal) };
    };
    const { credentials, response } = await attempt();
    // A token may be revoked before it expires.
    const again = response.status === 401 && this.#authorizer.forget?.(credentials) === true;
    return again ? (await attempt()).response : response;
  }

  async #once(request: HttpRequest, headers: Headers, signal: AbortSignal): Promise<HttpResponse> {
    const dispatcher = await this.#dispatcher(new URL(request.url));
    const attempt = () =>
      send(request.url, {
        dispatcher,
        method: request.method,
        // undici's ProxyAgent adds to the headers that it gets.
        headers: { ...headers },
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
    const { keepBytes, onBody, maxBytes = this.#options.maxBytes ?? 128 * 1024 * 1024 } = request;
    const body = await readBody(response, {
      maxBytes,
      ...(keepBytes !== undefined && { keepBytes }),
      ...(onBody !== undefined && { onBody }),
    });
    return { status: response.statusCode, headers: joinHeaders(response.headers), body };
  }

  async #dispatcher(url: URL): Promise<Dispatcher> {
    try {
      return await this.#connections.to(url);
    } catch (error) {
      throw new HttpError('CREDENTIALS', 'the HTTP client settings cannot be used', { cause: error });
    }
  }

  /** `headers` and `http_headers` of the settings. Reads their files for each request. */
  async #ownHeaders(): Promise<Headers> {
    const headers: Record<string, string | string[]> = lowerCase(this.#settings.headers);
    try {
      for (const [name, { values = [], secrets = [], files = [] }] of Object.entries(this.#settings.http_headers)) {
        headers[name.toLowerCase()] = [...values, ...secrets, ...(await Promise.all(files.map(readSecretFile)))];
      }
    } catch (error) {
      throw new HttpError('CREDENTIALS', 'a file of http_headers cannot be used', { cause: error });
    }
    return headers;
  }
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
