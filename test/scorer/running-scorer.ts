import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { ScorerApp } from '../../scorer/app.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import {
  CHANNELS,
  EDGE_SERIES,
  type FeatureSet,
  readFeatures,
  SERVICE_SERIES,
} from '../../scorer/features/features.ts';
import { PrometheusClient, type RangeSeries } from '../../scorer/prometheus/client.ts';
import type { Sample } from '../../scorer/output/remote-write/sample.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { type RemoteWriterOptions } from '../../scorer/output/remote-write/options.ts';
import { furtherLabels, type ServiceName } from '../../scorer/identity/service-key.ts';
import { untilValue } from '../until.ts';
import { saveLearnedState } from './learned-state.ts';

/** Interval of the tests' scorers in milliseconds. */
export const INTERVAL_MS = 1000;
const UNITS = { request_rate: 'per_second', request_latency: 'seconds', memory_bytes: 'none' };
const FEATURES = Object.keys(UNITS);

/** Directory, features and started programs of a scorer test, removed by `clear`. */
export class ScorerBed {
  readonly folder = mkdtempSync(join(tmpdir(), `lorikeet-bed-${process.pid}-`));
  readonly log: string[] = [];
  readonly set: FeatureSet;
  readonly #stops: (() => void | Promise<void>)[] = [];

  constructor() {
    const row = ([name, unit]: [string, string]) =>
      `  - { name: ${name}, unit: ${unit}, expr: 'm[$window]', scale: log }`;
    const features = Object.entries(UNITS).map(row).join('\n');
    const edges = `  - { name: request_latency, expr: 'e[$window]', scale: log, signal: latency }`;
    const path = join(this.folder, 'features.yaml');
    writeFileSync(path, `windows: [1s, 2s, 4s]\nfeatures:\n${features}\nedges:\n${edges}\n`);
    this.set = readFeatures(path);
    this.onClear(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  onClear(stop: () => void | Promise<void>): void {
    this.#stops.push(stop);
  }

  /** Stops all, in reverse order. */
  async clear(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  get logger() {
    return createLogger({ write: (line) => void this.log.push(line) });
  }

  /** Writes a configuration; the state directory has the name of the file. */
  configure(
    name: string,
    prometheusUrl: string,
    writeUrl: string,
    {
      extra = '',
      delay: delayed = '300ms',
      interval = `${INTERVAL_MS}ms`,
      stateDir = name,
      output = 'remote_write',
      tenants = ['readers', 'writers'],
      features = 'features.yaml',
      steps = '[0, 1, 2, 3]',
    }: ConfigureOptions = {},
  ): string {
    const delay = delayed === 'found' ? undefined : delayed;
    const path = join(this.folder, `${name}.yaml`);
    writeFileSync(
      path,
      `prometheus: { url: '${prometheusUrl}', timeout: 2s, headers: { X-Scope-OrgID: ${tenants[0]} } }
output: ${output}
${output === 'metrics' ? '' : `remote_write: { url: '${writeUrl}', timeout: 2s, headers: { X-Scope-OrgID: ${tenants[1]} } }`}
interval: ${interval}
${delay === undefined ? '' : `delay: ${delay}`}
steps: ${steps}
features_file: ${features}
state_dir: ${stateDir}
learning: { minimum: 15s }
${extra}`,
    );
    return path;
  }

  /** A scorer, not started, that has learned `services`. */
  async scorer(
    configFile: string,
    services: readonly ServiceName[],
    { edges = [], usual = 1 }: { readonly edges?: readonly Edge[]; readonly usual?: number } = {},
  ): Promise<ScorerApp> {
    const config = readScorerConfig(configFile);
    await saveLearnedState(config, this.set, { services, edges, usual: () => usual });
    return this.blankScorer(configFile);
  }

  /** A scorer, not started, with its state directory. @param features file in the folder. Default: those of the bed */
  blankScorer(configFile: string, features?: string): ScorerApp {
    const app = new ScorerApp({
      config: readScorerConfig(configFile),
      set: features === undefined ? this.set : readFeatures(join(this.folder, features)),
      logger: this.logger,
      listenAddress: '127.0.0.1:0',
      learnCommand: [process.execPath, resolve('dist/lorikeet-scorer.js'), 'train', `--config.file=${configFile}`],
    });
    this.onClear(() => app.stop());
    return app;
  }

  /** Acts as the recording rules: writes the features of `services` twice per interval, until cleared. */
  play(writeUrl: string, services: readonly ServiceName[], options: PlayOptions = {}): void {
    const writer = this.writer(writeUrl, { maxBackoffMs: INTERVAL_MS });
    const { latenessMs = () => 0 } = options;
    const write = () => {
      const now = trueTime();
      const late = (sample: Sample) => ({
        ...sample,
        timestampMs: now - latenessMs(sample.labels['feature'] ?? ''),
      });
      void writer.write(featureSamples(services, now, options).map(late));
    };
    const timer = setInterval(write, INTERVAL_MS / 2);
    this.onClear(() => clearInterval(timer));
  }

  writer(url: string, options: Partial<RemoteWriterOptions> = {}): RemoteWriter {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 2000 });
    const writer = new RemoteWriter({ url, http, logger: createLogger({ write: () => undefined }), ...options });
    this.onClear(async () => {
      await writer.close(0);
      await http.close();
    });
    return writer;
  }

  client(url: string): PrometheusClient {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
    this.onClear(() => http.close());
    return new PrometheusClient({ url, http });
  }

  until<T>(what: string, read: () => Promise<T> | T, holds: (value: T) => boolean, ms = 40_000): Promise<T> {
    return untilValue(what, read, holds, {
      timeoutMs: ms,
      periodMs: 100,
      seen: () => this.log.slice(-15).join('\n'),
    });
  }

  /** Number of log lines with a message. */
  logged(message: string): number {
    return this.log.filter((line) => line.includes(`msg="${message}"`)).length;
  }
}

export interface ConfigureOptions {
  /** Time until written samples are visible to queries; `found` leaves it to the scorer. */
  readonly delay?: string;
  readonly interval?: string;
  /** Default: the name of the configuration. */
  readonly stateDir?: string;
  readonly output?: 'remote_write' | 'metrics';
  /** Path of the features file. Default: that of the bed. */
  readonly features?: string;
  readonly steps?: string;
  /** Further lines of the configuration. */
  readonly extra?: string;
  /** Tenants for reads and writes, if the server has tenants. */
  readonly tenants?: readonly [read: string, write: string];
}

export type Edge = readonly [client: ServiceName, server: ServiceName];

export interface PlayOptions {
  /** Factor for a feature of a service, relative to its usual value. Default: 1. */
  readonly factor?: (service: ServiceName, feature: string) => number;
  /** Time until the rule of a feature has written its values. Default: none. */
  readonly latenessMs?: (feature: string) => number;
  readonly edges?: readonly Edge[];
  readonly edgeFactor?: (edge: Edge) => number;
}

/** Milliseconds since the epoch, independent of the scorer's clock, which a test may set. */
export function trueTime(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

let seed = 1;
function noise(): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return 0.9 + (0.2 * seed) / 2_147_483_647;
}

/** The features of all services and edges at a time: usual values with 10 % noise. */
export function featureSamples(
  services: readonly ServiceName[],
  timestampMs: number,
  { factor = () => 1, edges = [], edgeFactor = () => 1 }: PlayOptions = {},
): Sample[] {
  const own = services.flatMap((service) =>
    FEATURES.flatMap((feature) =>
      CHANNELS.map((channel) => ({
        name: SERVICE_SERIES,
        labels: { ...service, feature, channel },
        value: factor(service, feature) * noise(),
        timestampMs,
      })),
    ),
  );
  const between = edges.map((edge) => ({
    name: EDGE_SERIES,
    labels: {
      ...furtherLabels(edge[0]),
      client_namespace: edge[0].namespace,
      client_service: edge[0].service,
      server_namespace: edge[1].namespace,
      server_service: edge[1].service,
      feature: 'request_latency',
    },
    value: edgeFactor(edge) * noise(),
    timestampMs,
  }));
  return [...own, ...between];
}

/** The value of one of the scorer's own counters or gauges. */
export async function metric(app: ScorerApp, row: string): Promise<number> {
  const [name = '', labels = ''] = row.replace(/\}$/, '').split('{');
  const text = await app.metrics.registry.metrics();
  const lines = text.split('\n').filter((line) => {
    const [series = ''] = line.split(' ');
    const wanted = labels === '' ? [] : labels.split(',');
    return series.replace(/\{.*/, '') === `lorikeet_scorer_${name}` && wanted.every((label) => series.includes(label));
  });
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** The newest value of each series by service. */
export function byService(series: readonly RangeSeries[]): Map<string, number> {
  return new Map(series.map(({ labels, values }) => [labels['service'] ?? '', values.at(-1) ?? NaN]));
}
