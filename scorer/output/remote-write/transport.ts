import { HttpError, type HttpClient, type HttpResponse } from '../../../daemon/http-client/client.ts';
import { retryAfterMs } from '../../../daemon/received/retry-after.ts';
import { encodeFor, headersFor, samplesWritten, type WriteVersion } from './message.ts';
import type { FailureCode } from './outcome.ts';
import type { SeriesSample } from './sample.ts';

/**
 * Outcome of one request. `partial`: the others of the samples were refused. `retry`: send the same again later.
 * `bisect`: some of the samples are invalid.
 */
export type Delivery =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'partial'; readonly code: FailureCode; readonly reason: string; readonly written: number }
  | {
      readonly kind: 'retry';
      readonly code: FailureCode;
      readonly reason: string;
      readonly afterMs: number;
      /** False if the samples may be the reason: then it fails again and again. */
      readonly isOfReceiver: boolean;
    }
  | { readonly kind: 'bisect' | 'refused'; readonly code: FailureCode; readonly reason: string }
  | { readonly kind: 'aborted' };

/**
 * The error of receivers that have a newer sample of a series, or another one of the same time: status 400 in
 * Prometheus and Mimir, 409 in Thanos. This writer sends samples in order, so a second one writes the same series.
 */
const CONFLICT = /out[ -]of[ -]order|duplicate[ -](sample|timestamp)/i;

/** What Prometheus says with a 500 while its disk is full or broken. */
const STORAGE = /\bWAL\b|no space left|read-only file system|input\/output error/i;

/** Of a response's body, the first line is logged. A 2xx ends a write, whatever follows. */
const KEEP_BYTES = 16 * 1024;

export interface TransportOptions {
  readonly http: HttpClient;
  readonly url: string;
  /** Default: 2.0, until the receiver shows that it supports only 1.0. */
  readonly version?: WriteVersion | undefined;
  readonly onVersion?: (version: WriteVersion) => void;
}

/** Sends remote-write requests of the version that the receiver accepts, and classifies the responses. */
export class Transport {
  readonly #options: TransportOptions;
  /** The version in use; undefined until a response shows it. */
  #agreed: WriteVersion | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agreed = options.version;
  }

  async deliver(samples: readonly SeriesSample[], signal: AbortSignal): Promise<Delivery> {
    try {
      const version = this.#agreed ?? '2.0';
      const response = await this.#send(version, samples, signal);
      if (version === '1.0' || this.#options.version !== undefined) return classify(version, response, samples.length);
      // Without a word for 2.0, 1.0 is tried, and kept if that works.
      if (this.#knowsOnlyFirst(response)) {
        const again = await this.#send('1.0', samples, signal);
        if (response.status === 415 || (again.status >= 200 && again.status < 300)) this.#agree('1.0');
        return classify('1.0', again, samples.length);
      }
      if (samplesWritten(response.headers) !== undefined) this.#agree('2.0');
      return classify('2.0', response, samples.length);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (error.code === 'ABORTED') return { kind: 'aborted' };
      return { kind: 'retry', code: error.code.toLowerCase(), reason: error.message, afterMs: 0, isOfReceiver: true };
    }
  }

  /**
   * A receiver of 1.0 answers 415, or 400 to what it cannot read. Or it answers 2xx and stores nothing, because it skips
   * the fields that it does not know: only receivers of 2.0 say how much they wrote. To send again after any other 4xx
   * would be the retry that both versions forbid.
   */
  #knowsOnlyFirst({ status, headers }: HttpResponse): boolean {
    if (status === 415) return true;
    if (this.#agreed === '2.0' || samplesWritten(headers) !== undefined) return false;
    return (status >= 200 && status < 300) || status === 400;
  }

  #agree(version: WriteVersion): void {
    if (this.#agreed === version) return;
    this.#agreed = version;
    this.#options.onVersion?.(version);
  }

  async #send(version: WriteVersion, samples: readonly SeriesSample[], signal: AbortSignal): Promise<HttpResponse> {
    return await this.#options.http.request({
      method: 'POST',
      url: this.#options.url,
      headers: headersFor(version),
      body: encodeFor(version, samples),
      keepBytes: KEEP_BYTES,
      signal,
    });
  }
}

function classify(version: WriteVersion, { status, headers, body }: HttpResponse, sent: number): Delivery {
  const written = version === '2.0' ? (samplesWritten(headers) ?? 0) : undefined;
  const code = String(status);
  const reason = body.toString('utf8', 0, 300).trim();
  if (status >= 200 && status < 300) {
    if (written === undefined || written >= sent) return { kind: 'accepted' };
    return {
      kind: 'partial',
      code: 'not_written',
      reason: `the receiver wrote ${written} of ${sent} samples`,
      written,
    };
  }
  if (status >= 500 || status === 429) {
    const afterMs = retryAfterMs(headers['retry-after'], Date.now()) ?? 0;
    return { kind: 'retry', code, reason, afterMs, isOfReceiver: status !== 500 || STORAGE.test(reason) };
  }
  const conflict = status === 409 || (status === 400 && CONFLICT.test(reason));
  if (written !== undefined && written > 0)
    return { kind: 'partial', code: conflict ? 'conflict' : code, reason, written };
  if (conflict) return { kind: 'bisect', code: 'conflict', reason };
  // A smaller request may be accepted: 400 rejects all samples for one invalid one, and 413 is due to the size.
  return { kind: status === 400 || status === 413 ? 'bisect' : 'refused', code, reason };
}
