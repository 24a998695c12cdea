import { createHttpClient, type HttpClient } from '../../daemon/http-client/client.ts';
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

/** Samples that were not sent, by target. */
export type Unsent = ReadonlyMap<string, readonly Sample[]>;

interface OpenTarget {
  readonly key: string;
  readonly writer: RemoteWriter;
  readonly http: HttpClient;
}

/** The targets of remote write. Each has its own queue, retries and metrics: a slow one doesn't delay the others. */
export class RemoteTargets {
  readonly #targets: readonly OpenTarget[];

  constructor(targets: readonly RemoteWriteTarget[], options: RemoteTargetsOptions) {
    this.#targets = targets.map((target) => openTarget(target, options));
  }

  /** Resolves when every target has accepted or dropped the samples. */
  async write(samples: readonly Sample[]): Promise<void> {
    await Promise.all(this.#targets.map(({ writer }) => writer.write(samples)));
  }

  /** Writes what predecessors left to the targets that are still there. */
  async inherit(unsent: Unsent): Promise<void> {
    await Promise.all(this.#targets.map(({ key, writer }) => writer.write(unsent.get(key) ?? [])));
  }

  /** As `close`, without dropping anything. */
  async release(): Promise<Unsent> {
    const unsent = new Map<string, readonly Sample[]>();
    await this.#end(async ({ key, writer }) => unsent.set(key, await writer.release()));
    return unsent;
  }

  async close(): Promise<void> {
    await this.#end(({ writer }) => writer.close());
  }

  async #end(endWriter: (target: OpenTarget) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.#targets.map(async (target) => {
        try {
          await endWriter(target);
        } finally {
          await target.http.close();
        }
      }),
    );
  }
}

function openTarget(target: RemoteWriteTarget, { intervalMs, logger, metrics }: RemoteTargetsOptions): OpenTarget {
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
  return { key: `${labels.remote_name} ${url}`, writer, http };
}
