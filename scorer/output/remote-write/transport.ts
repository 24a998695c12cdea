import { HttpError, type HttpClient } from '../../../daemon/http-client/client.ts';
import { encodeWriteRequest } from './encode.ts';
import type { FailureCode } from './outcome.ts';
import { retryAfterMs } from './retry.ts';
import type { SeriesSample } from './sample.ts';

/** Outcome of one request. `retry`: send the same again later. `bisect`: some of the samples are invalid. */
export type Delivery =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly code: FailureCode; readonly reason: string; readonly afterMs: number }
  | { readonly kind: 'bisect' | 'refused'; readonly code: FailureCode; readonly reason: string }
  | { readonly kind: 'aborted' };

const HEADERS = {
  'content-encoding': 'snappy',
  'content-type': 'application/x-protobuf',
  'x-prometheus-remote-write-version': '0.1.0',
};

/**
 * The error of receivers that have a newer sample of a series, or another one of the same time: status 400 in
 * Prometheus and Mimir, 409 in Thanos. This writer sends samples in order, so a second one writes the same series.
 */
const CONFLICT = /out[ -]of[ -]order|duplicate[ -](sample|timestamp)/i;

/** Responses are empty or a line of text. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Sends one remote-write 1.0 request and classifies the response. */
export async function deliver(
  http: HttpClient,
  url: string,
  samples: readonly SeriesSample[],
  signal: AbortSignal,
): Promise<Delivery> {
  try {
    const { status, headers, body } = await http.request({
      method: 'POST',
      url,
      headers: HEADERS,
      body: encodeWriteRequest(samples),
      maxBytes: MAX_RESPONSE_BYTES,
      signal,
    });
    if (status >= 200 && status < 300) return { kind: 'accepted' };
    const code = String(status);
    const reason = body.toString('utf8', 0, 300).trim();
    if (status >= 500 || status === 429) {
      return { kind: 'retry', code, reason, afterMs: retryAfterMs(headers['retry-after'], Date.now()) ?? 0 };
    }
    if (status === 409 || (status === 400 && CONFLICT.test(reason)))
      return { kind: 'bisect', code: 'conflict', reason };
    // A smaller request may be accepted: 400 rejects all samples for one invalid one, and 413 is due to the size.
    return { kind: status === 400 || status === 413 ? 'bisect' : 'refused', code, reason };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === 'ABORTED') return { kind: 'aborted' };
    return { kind: 'retry', code: error.code.toLowerCase(), reason: error.message, afterMs: 0 };
  }
}
