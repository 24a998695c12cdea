import type { HttpClient } from '../../../daemon/http-client/client.ts';
import type { Logger } from '../../../daemon/logger.ts';
import type { WriteVersion } from './message.ts';
import type { WriteObserver } from './outcome.ts';

export interface RemoteWriterOptions {
  /** The receiver, `http://prometheus:9090/api/v1/write`. */
  readonly url: string;
  readonly http: HttpClient;
  readonly logger: Logger;
  /** Default: 2.0 if the receiver supports it. */
  readonly version?: WriteVersion | undefined;
  readonly maxSamplesPerSend?: number;
  /** Maximum number of queued samples. Beyond it, the oldest cycles are dropped, but never the newest. */
  readonly maxQueuedSamples?: number;
  /** Samples older than this are dropped. Prometheus accepts at most one hour. */
  readonly retryAgeMs?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** The longest pause that a receiver's Retry-After causes. Milliseconds. */
  readonly maxRetryAfterMs?: number;
  /**
   * Attempts per batch that end in status 500, which Prometheus 2.42 also returns for samples that it will never accept.
   * A full disk does not count.
   */
  readonly maxAttempts?: number;
  /** Extra requests per cycle that search for invalid samples. */
  readonly maxBisections?: number;
  readonly observer?: WriteObserver;
}

export const DEFAULTS = {
  maxSamplesPerSend: 2000,
  maxQueuedSamples: 100_000,
  retryAgeMs: 300_000,
  minBackoffMs: 250,
  maxBackoffMs: 10_000,
  maxRetryAfterMs: 15_000,
  maxAttempts: 5,
  maxBisections: 100,
  observer: {},
};
