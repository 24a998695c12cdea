import type { HttpClient } from '../../../daemon/http-client/client.ts';
import type { Logger } from '../../../daemon/logger.ts';
import type { WriteObserver } from './outcome.ts';

export interface RemoteWriterOptions {
  /** The receiver, `http://prometheus:9090/api/v1/write`. */
  readonly url: string;
  readonly http: HttpClient;
  readonly logger: Logger;
  readonly maxSamplesPerSend?: number;
  /** Samples waiting; over this the oldest cycles are dropped. The newest cycle always has its place. */
  readonly maxQueuedSamples?: number;
  /** Samples older than this are neither sent nor sent again. Prometheus takes an hour at most. */
  readonly retryAgeMs?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** Bound on the attempts that end in status 500: Prometheus 2.42 answers so to samples that it will never take. */
  readonly maxAttempts?: number;
  /** Bound on the further requests of one cycle that look for the samples at fault. */
  readonly maxBisections?: number;
  readonly observer?: WriteObserver;
}

export const DEFAULTS = {
  maxSamplesPerSend: 2000,
  maxQueuedSamples: 100_000,
  retryAgeMs: 300_000,
  minBackoffMs: 250,
  maxBackoffMs: 10_000,
  maxAttempts: 5,
  maxBisections: 100,
  observer: {},
};
