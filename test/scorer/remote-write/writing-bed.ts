import { createHttpClient, type HttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { createLogger } from '../../../daemon/logger.ts';
import type { RemoteWriterOptions } from '../../../scorer/output/remote-write/options.ts';
import type { Sample } from '../../../scorer/output/remote-write/sample.ts';
import { RemoteWriter } from '../../../scorer/output/remote-write/writer.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../testserver/receiver.ts';

export const NOW = Date.now();

export const score = (service: string, value = 0.5, timestampMs = NOW): Sample => ({
  name: 'anomaly_score',
  labels: { service, detector: 'autoencoder' },
  value,
  timestampMs,
});
export const fleet = (size: number, at = NOW) => Array.from({ length: size }, (_, i) => score(`s${i}`, i / size, at));
export const labels = (service: string) => ({ __name__: 'anomaly_score', service, detector: 'autoencoder' });

/** A writer, the lines that it logged, and what it told its observer. */
export interface Writing {
  readonly writer: RemoteWriter;
  readonly log: string[];
  readonly events: string[];
}

/** Writers and receivers, until `clear`. */
export class WritingBed {
  readonly #stops: (() => Promise<void>)[] = [];

  onClear(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  async clear(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  httpClient(timeoutMs = 10_000): HttpClient {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs });
    this.onClear(() => http.close());
    return http;
  }

  startWriter(url: string, options: Partial<RemoteWriterOptions> = {}): Writing {
    const log: string[] = [];
    const events: string[] = [];
    const writer = new RemoteWriter({
      url,
      http: this.httpClient(),
      logger: createLogger({ write: (line) => void log.push(line) }),
      minBackoffMs: 2,
      maxBackoffMs: 20,
      observer: {
        onAccepted: (samples) => void events.push(`accepted ${samples}`),
        onDropped: (code, samples) => void events.push(`dropped ${code} ${samples}`),
        onRequestFailed: (code) => void events.push(`failed ${code}`),
      },
      ...options,
    });
    this.onClear(() => writer.close(0));
    return { writer, log, events };
  }

  async withReceiver(
    receiving: ReceiverOptions = {},
    writing: Partial<RemoteWriterOptions> = {},
  ): Promise<Writing & { readonly receiver: Receiver }> {
    const receiver = await startReceiver(receiving);
    this.onClear(() => receiver.stop());
    return { receiver, ...this.startWriter(receiver.url, writing) };
  }
}
