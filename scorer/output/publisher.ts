import { createHttpClient } from '../../daemon/http-client/client.ts';
import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { renderScores, SeriesLedger } from './samples.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteWriter } from './remote-write/writer.ts';

export interface PublisherOptions {
  readonly config: ScorerConfig;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Makes each cycle's samples known, by remote write or on the scorer's own page: one or the other, as configured. */
export class Publisher {
  readonly #metrics: ScorerMetrics;
  readonly #ledger = new SeriesLedger();
  readonly #remote: { readonly writer: RemoteWriter; close(): Promise<void> } | undefined;
  #board: readonly Sample[] = [];
  #delivering: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#metrics = options.metrics;
    this.#remote = openRemote(options);
  }

  /** Takes what there is to say at `timestampMs`, whole; delivery and its retries don't hold up the next cycle. */
  publish(samples: readonly Sample[], timestampMs: number): void {
    const written = this.#ledger.withStaleMarkers(samples, timestampMs);
    const remote = this.#remote;
    if (remote === undefined) this.#board = samples;
    else this.#delivering = this.#metrics.timed('write', () => remote.writer.write(written));
  }

  /** Resolves once each of the last samples was accepted or given up, with whether they still are the last. */
  async delivered(): Promise<boolean> {
    const delivering = this.#delivering;
    await delivering;
    return delivering === this.#delivering;
  }

  /** The last samples in Prometheus' text format; empty where they are written. */
  render(): string {
    return renderScores(this.#board);
  }

  async close(): Promise<void> {
    await this.#remote?.close();
  }
}

function openRemote({ config, logger, metrics }: PublisherOptions) {
  if (config.output !== 'remote_write' || config.remote_write === undefined) return undefined;
  const { url, timeout, retry_age: retryAgeMs, max_samples_per_send: maxSamplesPerSend } = config.remote_write;
  const http = createHttpClient(config.remote_write, { timeoutMs: timeout });
  const writer = new RemoteWriter({
    url,
    http,
    logger,
    maxSamplesPerSend,
    retryAgeMs,
    observer: {
      onAccepted: (samples) => metrics.samplesWritten.inc(samples),
      onDropped: (reason, samples) => metrics.samplesDropped.inc({ reason }, samples),
      onRequestFailed: (code) => metrics.writeFailures.inc({ code }),
    },
  });
  const close = async (): Promise<void> => {
    try {
      await writer.close();
    } finally {
      await http.close();
    }
  };
  return { writer, close };
}
