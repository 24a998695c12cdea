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

/** Publishes each cycle's samples, by remote write or on /metrics, as configured by `output`. */
export class Publisher {
  readonly #metrics: ScorerMetrics;
  readonly #ledger = new SeriesLedger();
  readonly #remote: { readonly writer: RemoteWriter; close(): Promise<void> } | undefined;
  #exposed: readonly Sample[] = [];
  #delivering: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#metrics = options.metrics;
    this.#remote = openRemote(options);
  }

  /** Publishes all samples of a cycle. Doesn't wait for their delivery, so that retries don't delay the next cycle. */
  publish(samples: readonly Sample[], timestampMs: number): void {
    const written = this.#ledger.withStaleMarkers(samples, timestampMs);
    const remote = this.#remote;
    if (remote === undefined) this.#exposed = samples;
    else this.#delivering = this.#metrics.timed('write', () => remote.writer.write(written));
  }

  /** Resolves once the last samples were accepted or dropped: to false if newer ones were published since. */
  async delivered(): Promise<boolean> {
    const delivering = this.#delivering;
    await delivering;
    return delivering === this.#delivering;
  }

  /** The last samples in Prometheus' text format; empty with `output: remote_write`. */
  render(): string {
    return renderScores(this.#exposed);
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
