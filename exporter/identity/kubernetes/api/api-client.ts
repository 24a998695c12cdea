import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setImmediate } from 'node:timers/promises';
import { parseReceivedJson } from '../../../../daemon/received/json.ts';
import { retryAfterMs } from '../../../../daemon/received/retry-after.ts';
import { ApiError, ProtocolError, type ApiStatus } from './api-error.ts';
import type { Credentials } from './credentials.ts';

export interface ApiRequest {
  /** Path and query. */
  readonly path: string;
  /** The requested media type. */
  readonly accept: string;
  /** Timeout without data, in milliseconds. */
  readonly idleMs: number;
  /** Timeout of the whole response, in milliseconds, however much data comes. */
  readonly maxMs: number;
  readonly signal: AbortSignal;
  /** Called when a successful response starts. */
  readonly onAnswer?: () => void;
  /** Receives the body in chunks as they arrive. */
  readonly onBody: (chunk: Buffer) => void;
}

/** Idle time before TCP keepalive probes, in milliseconds. */
const PROBE_MS = 30_000;
/** Smaller chunks are watch events. Bytes. */
const LARGE_BYTES = 8192;
/** Limit on the body of an error response, in bytes. */
const REFUSAL_BYTES = 65_536;

/** Reads streaming responses of any length from the API server. */
export class ApiClient {
  readonly #credentials: Credentials;
  readonly #userAgent: string;

  constructor(credentials: Credentials, userAgent: string) {
    this.#credentials = credentials;
    this.#userAgent = userAgent;
  }

  /**
   * Resolves at the end of the response.
   *
   * @throws ApiError for an error status, ProtocolError for a timeout, Node.js' own errors for a broken connection.
   */
  async get({ path, accept, idleMs, maxMs, signal, onAnswer, onBody }: ApiRequest): Promise<void> {
    const { server } = this.#credentials;
    const credentials = await this.#credentials.forRequest();
    const abort = new AbortController();
    const abortAfter = (ms: number, what: string) =>
      setTimeout(() => abort.abort(new ProtocolError(`timeout: ${what} ${ms / 1000} s`)), ms);
    const idle = abortAfter(idleMs, 'no data for');
    const whole = abortAfter(maxMs, 'no end within');
    const onAbort = (): void => abort.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await open(server + path, {
        ...credentials,
        headers: { ...credentials.headers, accept, 'user-agent': this.#userAgent },
        signal: abort.signal,
      });
      if (response.statusCode !== 200) throw await refusal(response);
      onAnswer?.();
      for await (const chunk of response as AsyncIterable<Buffer>) {
        idle.refresh();
        onBody(chunk);
        // A long list arrives faster than it is parsed: yield to the event loop after each chunk.
        if (chunk.length >= LARGE_BYTES) await setImmediate();
      }
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      clearTimeout(idle);
      clearTimeout(whole);
      signal.removeEventListener('abort', onAbort);
      // No effect on a complete response; an incomplete one must not stay open.
      abort.abort();
    }
  }
}

function open(url: string, options: RequestOptions): Promise<IncomingMessage> {
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, options, resolve);
    request.setSocketKeepAlive(true, PROBE_MS);
    request.on('error', reject);
    request.end();
  });
}

async function refusal(response: IncomingMessage): Promise<ApiError> {
  let body = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    body += chunk.toString();
    if (body.length > REFUSAL_BYTES) break;
  }
  const { statusCode: status = 0, statusMessage } = response;
  const message = `${status}: ${messageOf(body) ?? statusMessage ?? 'refused'}`;
  return new ApiError(message, status, retryAfterMs(response.headers['retry-after'], Date.now()) ?? 0);
}

/** The API server's error message, unless a proxy sent the response. */
function messageOf(body: string): string | undefined {
  try {
    return (parseReceivedJson(Buffer.from(body)) as ApiStatus | null)?.message;
  } catch {
    return undefined;
  }
}
