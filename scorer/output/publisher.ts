import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { withExternalLabels } from './external-labels.ts';
import { renderScores, SeriesLedger } from './samples.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteTargets, type Unsent } from './remote-targets.ts';

export interface PublisherOptions {
  readonly config: ScorerConfig;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Publishes each cycle's samples, by remote write or on /metrics, as configured by `output`. */
export class Publisher {
  readonly #metrics: ScorerMetrics;
  readonly #externalLabels: Readonly<Record<string, string>>;
  readonly #ledger = new SeriesLedger();
  readonly #remote: RemoteTargets | undefined;
  #exposed: readonly Sample[] = [];
  #delivering: Promise<unknown> = Promise.resolve();

  constructor({ config, logger, metrics }: PublisherOptions) {
    this.#metrics = metrics;
    this.#externalLabels = config.external_labels;
    const { output, remote_write: targets } = config;
    if (output === 'remote_write' && targets !== undefined)
      this.#remote = new RemoteTargets(targets, { intervalMs: config.interval, logger, metrics });
  }

  /** Publishes all samples of a cycle. Doesn't wait for their delivery, so that retries don't delay the next cycle. */
  publish(own: readonly Sample[], timestampMs: number): void {
    const samples = withExternalLabels(own, this.#externalLabels);
    const written = this.#ledger.withStaleMarkers(samples, timestampMs);
    const remote = this.#remote;
    if (remote === undefined) this.#exposed = samples;
    else this.#delivering = this.#metrics.timed('write', () => remote.write(written));
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

  /** Ends, and leaves to `successor` what the same targets have not got yet. */
  async handOver(successor: Publisher): Promise<void> {
    if (this.#remote !== undefined) successor.#inherit(await this.#remote.release());
  }

  async close(): Promise<void> {
    await this.#remote?.close();
  }

  #inherit(unsent: Unsent): void {
    const remote = this.#remote;
    if (remote !== undefined) this.#delivering = remote.inherit(unsent);
  }
}
