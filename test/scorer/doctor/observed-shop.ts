import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examineFiles } from '../../../scorer/commands/doctor.ts';
import type { Examination, Report } from '../../../scorer/doctor/examine.ts';
import { parseDuration } from '../../../daemon/config-file.ts';
import { readFeatures } from '../../../scorer/features/features.ts';
import { renderRecordingRules } from '../../../scorer/features/recording-rules.ts';
import { serveMetrics } from '../../testserver/exposition.ts';
import { type PrometheusOptions, type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { untilValue } from '../../until.ts';

/** Features of a shop, of series as lorikeet-exporter has them. `$by` are the labels to aggregate by. */
const featuresOf = (by: string) => `windows: [4s, 8s, 16s]
features:
  - { name: request_rate, scale: log, signal: traffic, expr: 'sum by (${by}) (rate(lorikeet_requests_total[$window]))' }
  - { name: memory_bytes, scale: log, expr: 'sum by (${by}) (avg_over_time(lorikeet_container_memory_bytes[$window]))' }
`;
export const FEATURES = featuresOf('namespace, service');

const ALERTS = `groups:
  - name: alerts
    rules:
      - { alert: ServiceAnomalous, expr: 'anomaly_score > 1' }
`;

export interface ShopOptions extends PrometheusOptions {
  /** Labels of the series in the rules. Default: namespace, service. */
  readonly by?: string;
  /** The features file that the rules are rendered from. Default: FEATURES, by the labels of `by`. */
  readonly features?: string;
  /** Default: both are loaded. */
  readonly ruleFiles?: readonly ('rules.yaml' | 'alerts.yaml')[];
  readonly scrapeInterval?: string;
  readonly evaluationInterval?: string;
  /** Default: true. */
  readonly scrapes?: boolean;
}

/** A folder for configurations, an exporter of a shop, and Prometheus servers that scrape it; all removed by `clear`. */
export class ObservedShop {
  readonly folder = mkdtempSync(join(tmpdir(), `lorikeet-doctor-${process.pid}-`));
  readonly #stops: (() => void | Promise<void>)[] = [() => rmSync(this.folder, { recursive: true, force: true })];
  #configs = 0;

  onClear(stop: () => void | Promise<void>): void {
    this.#stops.push(stop);
  }

  async clear(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async prometheus(options: ShopOptions = {}): Promise<RunningPrometheus> {
    const { by = 'namespace, service', scrapeInterval = '1s', evaluationInterval = '1s', scrapes = true } = options;
    const exporter = await serveMetrics(shopMetrics);
    this.onClear(() => exporter.stop());
    const features = this.write(`rules-from-${++this.#configs}.yaml`, options.features ?? featuresOf(by));
    const target = `127.0.0.1:${scrapes ? exporter.port : 9}`;
    const prometheus = await startPrometheus({
      ...options,
      config: `global: { scrape_interval: ${scrapeInterval}, scrape_timeout: 1s, evaluation_interval: ${evaluationInterval} }
rule_files: [${(options.ruleFiles ?? ['rules.yaml', 'alerts.yaml']).join(', ')}]
scrape_configs:
  - { job_name: lorikeet-exporter, honor_labels: true, static_configs: [{ targets: ['${target}'] }] }
`,
      files: {
        'rules.yaml': renderRecordingRules(readFeatures(features), {
          intervalMs: parseDuration(evaluationInterval) ?? NaN,
        }),
        'alerts.yaml': ALERTS,
        ...options.files,
      },
    });
    this.onClear(() => prometheus.stop());
    return prometheus;
  }

  /** Writes a configuration of its own for a Prometheus; returns its path. `extra` may repeat no key. */
  configure(prometheus: { readonly url: string }, { extra = '', ...keys }: ConfigKeys = {}): string {
    this.write('features.yaml', FEATURES);
    const {
      prometheus: section = `{ url: '${prometheus.url}' }`,
      write = `${prometheus.url}/api/v1/write`,
      features = 'features.yaml',
      state = 'state',
    } = keys;
    const urls = [write].flat().map((url) => `{ url: '${url}' }`);
    const { output = write === '' ? 'output: metrics' : `remote_write: [${urls.join(', ')}]` } = keys;
    const named = features === '' ? '' : `features_file: ${features}\n`;
    const text = `prometheus: ${section}\n${output}\ninterval: 1s\n${named}state_dir: ${state}\n${extra}\n`;
    return this.write(`scorer-${++this.#configs}.yaml`, text);
  }

  /** Examines until a finding of a check holds, as series and rules take seconds to appear. */
  async until(configFile: string, check: string, holds: (found: readonly Report[]) => boolean): Promise<Examination> {
    let last: Examination | undefined;
    return await untilValue(
      `a finding of ${check}`,
      async () => (last = await examineFiles(configFile)),
      ({ findings }) => holds(findings.filter((finding) => finding.check === check)),
      { timeoutMs: 30_000, periodMs: 500, seen: () => JSON.stringify(last?.findings, undefined, 1) },
    );
  }
}

export interface ConfigKeys {
  /** The section `prometheus`. */
  readonly prometheus?: string;
  /** The URLs of the receivers; empty for output: metrics. */
  readonly write?: string | readonly string[];
  /** The keys that say where scores go, instead of `write`. */
  readonly output?: string;
  /** Empty for the shipped ones. */
  readonly features?: string;
  readonly state?: string;
  /** Further lines. */
  readonly extra?: string;
}

function shopMetrics(seconds: number): string {
  const rows = ['cart', 'catalog', 'payment'].flatMap((service) => {
    const labels = `{namespace="shop",service="${service}",pod="${service}-1"}`;
    return [
      `lorikeet_requests_total${labels} ${(40 * seconds).toFixed(0)}`,
      `lorikeet_container_memory_bytes${labels} 5e7`,
    ];
  });
  return `${rows.join('\n')}\n`;
}
