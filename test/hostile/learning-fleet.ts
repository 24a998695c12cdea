import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import type { RunningProgram } from '../running-program.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { FeatureTraffic } from '../testserver/traffic.ts';
import { until } from '../until.ts';
import type { Bench } from './bench.ts';

const NORMAL = { request_rate: 40, request_latency: 0.02, memory_bytes: 5e7 };
export const SERVICES = ['cart', 'catalog', 'payment'];

/** A real Prometheus that gets the features of three services, twice a second. */
export class LearningFleet {
  readonly prometheus: RunningPrometheus;
  readonly #http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
  readonly #traffic = new FeatureTraffic(SERVICES, NORMAL);
  readonly #timer: NodeJS.Timeout;

  private constructor(prometheus: RunningPrometheus) {
    this.prometheus = prometheus;
    const url = `${prometheus.url}/api/v1/write`;
    const logger = createLogger({ write: () => undefined });
    const writer = new RemoteWriter({ url, http: this.#http, logger });
    this.#timer = setInterval(() => void writer.write(this.#traffic.samples()), 500);
  }

  static async start(): Promise<LearningFleet> {
    return new LearningFleet(await startPrometheus());
  }

  /** Writes the configuration of a scorer that learns the services after 12 s and again all the time. @returns its path */
  configure(bench: Bench, { stateDir = 'state', queries = this.prometheus.url, extra = '' } = {}): string {
    const features = Object.keys(NORMAL).map((name) => `  - { name: ${name}, expr: 'm[$window]', scale: log }`);
    bench.write('features.yaml', `windows: [1s, 2s, 4s]\nfeatures:\n${features.join('\n')}\n`);
    // A model is outdated after a second, so every start trains.
    return bench.write(
      'scorer.yaml',
      `prometheus: { url: '${queries}' }
remote_write: { url: '${this.prometheus.url}/api/v1/write' }
interval: 1s
delay: 300ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: ${stateDir}
learning: { minimum: 12s, history: 2m, every: 12s, retrain: 1s }
${extra}`,
    );
  }

  /** The times of the scores of a service since `sinceMs`, in order. */
  scoreTimes(sinceMs: number): Promise<readonly number[]> {
    return this.timesOf(`anomaly_score{service="${SERVICES[0]}",detector="autoencoder"}`, sinceMs);
  }

  /** The times of the samples of a series since `sinceMs`, in order. */
  async timesOf(selector: string, sinceMs: number): Promise<readonly number[]> {
    const client = new PrometheusClient({ url: this.prometheus.url, http: this.#http });
    const { series } = await client.samples(selector, sinceMs, Date.now() + 1);
    return [...(series[0]?.timestamps ?? [])];
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#http.close();
    await this.prometheus.stop();
  }
}

/** Waits until a scorer has scored all services in a complete cycle. */
export async function untilScored(scorer: RunningProgram, timeoutMs = 120_000): Promise<void> {
  const isScored = async () => {
    const samples = await scorer.samples('lorikeet_scorer_').catch(() => undefined);
    const isComplete = (samples?.['lorikeet_scorer_last_cycle_timestamp_seconds'] ?? 0) > 0;
    return isComplete && samples?.['lorikeet_scorer_services{state="scored"}'] === SERVICES.length;
  };
  const seen = () => scorer.log.slice(-15).join('\n');
  await until('all services to be scored', isScored, { timeoutMs, periodMs: 50, seen });
}
