import { createHttpClient } from '../../daemon/http-client/client.ts';
import type { Logger } from '../../daemon/logger.ts';
import { redactUrl } from '../../daemon/secrets/redact.ts';
import { type RemoteWriteTarget, targetName, writeVersionOf } from '../endpoints.ts';
import type { ScorerMetrics } from '../metrics.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteWriter } from './remote-write/writer.ts';

export interface RemoteTargetsOptions {
  /** Time between two writes, in milliseconds: a receiver that wants a longer pause is asked again after this. */
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** The targets of remote write. Each has its own queue, retries and metrics: a slow one doesn't delay the others. */
export class RemoteTargets {
  readonly #targets: readonly { readonly writer: RemoteWriter; close(): Promise<void> }[];

  constructor(targets: readonly RemoteWriteTarget[], options: RemoteTargetsOptions) {
    this.#targets = targets.map((target) => openTarget(target, options));
  }

  /** Resolves when every target has accepted or dropped the samples. */
  async write(samples: readonly Sample[]): Promise<void> {
    await Promise.all(this.#targets.map(({ writer }) => writer.write(samples)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.close()));
  }
}

function openTarget(target: RemoteWriteTarget, { intervalMs, logger, metrics }: RemoteTargetsOptions) {
  const { url, timeout, retry_age: retryAgeMs, max_samples_per_send: maxSamplesPerSend } = target;
  // Prometheus' names of the labels, and of the fields of its log.
  const labels = { remote_name: targetName(target), url: redactUrl(url) };
  const http = createHttpClient(target, { timeoutMs: timeout });
  const writer = new RemoteWriter({
    url,
    http,
    logger: logger.with(labels),
    maxSamplesPerSend,
    retryAgeMs,
    maxRetryAfterMs: intervalMs,
    version: writeVersionOf(target),
    observer: {
      onAccepted: (samples) => metrics.samplesWritten.inc(labels, samples),
      onDropped: (reason, samples) => metrics.samplesDropped.inc({ ...labels, reason }, samples),
      onRequestFailed: (code) => metrics.writeFailures.inc({ ...labels, code }),
    },
  });
  metrics.samplesWritten.inc(labels, 0);
  const close = async (): Promise<void> => {
    try {
      await writer.close();
    } finally {
      await http.close();
    }
  };
  return { writer, close };
}
