import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump, load } from 'js-yaml';
import { formatDuration } from '../../daemon/config-file.ts';
import { parseFeatures } from '../../scorer/features/features.ts';
import type { DetectorName } from '../../scorer/detectors/settings.ts';
import { RECORDING_PARTS, renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { renderServiceAlerts } from '../../scorer/features/service-alerts.ts';
import { freePort } from '../free-port.ts';
import { DEMO_DETECTORS } from './detectors.ts';
import type { Processes } from './processes.ts';
import { ALERT_DURATIONS, scaleAlerts, scaleYaml, TIME_SCALE } from './time-scale.ts';

/** The root of the repository: this code runs bundled in dist/. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const MINUTE = 60_000;
/** Time between two scoring cycles. */
export const INTERVAL_MS = MINUTE / TIME_SCALE;
const SCRAPE_INTERVAL = '1s';
/** Rules are evaluated more often than the scorer queries, which limits the age of its input to this, milliseconds. */
const RULE_INTERVAL_MS = 2000;
/** A trace is complete when no more of its spans arrive for this time. */
const TRACES_WAIT = '2s';

export interface StackOptions {
  /** Directory for all files of the run. */
  readonly folder: string;
  readonly processes: Processes;
  /** Milliseconds of normal traffic before the first score. */
  readonly learningMs: number;
  /** The targets file of the simulation. */
  readonly targetsFile: string;
  /** The detector that the scorer runs, and that rules and alerts follow. Default: the autoencoder. */
  readonly detector?: DetectorName;
  /** `host:port` at which the scorer receives spans. */
  readonly tracesAddress?: string | undefined;
  /** Does not start the scorer, to record training data for a base model. */
  readonly withoutScorer?: boolean;
}

export interface Stack {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  readonly exporterUrl: string;
  readonly scorerUrl: string;
  readonly scorerConfig: string;
}

/**
 * Starts exporter, Prometheus, Alertmanager and scorer on free ports of the loopback interface, with the shipped scrape
 * configuration, rules and scorer configuration, in demo time.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, processes, detector = 'autoencoder' } = options;
  const [exporter, prometheus, alertmanager, scorer] = await ports();
  const stack: Stack = {
    prometheusUrl: `http://127.0.0.1:${prometheus}`,
    alertmanagerUrl: `http://127.0.0.1:${alertmanager}`,
    exporterUrl: `http://127.0.0.1:${exporter}`,
    scorerUrl: `http://127.0.0.1:${scorer}`,
    scorerConfig: join(folder, 'scorer.yaml'),
  };
  writeRules(folder, detector);
  writePrometheusConfig(folder, { exporter, alertmanager, scorer });
  writeFileSync(
    join(folder, 'alertmanager.yml'),
    shippedYaml('manifests/prometheus/alertmanager.yaml', ALERTMANAGER_TIMES),
  );
  writeScorerConfig(stack, options);

  processes.start('exporter', process.execPath, [
    program('lorikeet-exporter'),
    `--targets.file=${options.targetsFile}`,
    `--web.listen-address=127.0.0.1:${exporter}`,
    ...(DEMO_DETECTORS[detector].exporterFlags ?? []),
  ]);
  processes.start('alertmanager', 'prometheus-alertmanager', [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${alertmanager}`,
    '--cluster.listen-address=',
  ]);
  processes.start('prometheus', 'prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${prometheus}`,
    '--web.enable-remote-write-receiver',
    '--rules.alert.resend-delay=5s',
    '--log.level=warn',
  ]);
  if (options.withoutScorer !== true) {
    processes.start('scorer', process.execPath, [
      program('lorikeet-scorer'),
      'run',
      `--config.file=${stack.scorerConfig}`,
      `--web.listen-address=127.0.0.1:${scorer}`,
    ]);
  }
  return stack;
}

const ALERTMANAGER_TIMES = ['group_wait', 'group_interval'];

/** Absolute path of a built program. */
export function program(name: string): string {
  return join(ROOT, 'dist', `${name}.js`);
}

async function ports(): Promise<[number, number, number, number]> {
  const taken = new Set<number>();
  while (taken.size < 4) taken.add(await freePort());
  return [...taken] as [number, number, number, number];
}

function shippedYaml(path: string, durations: readonly string[]): string {
  return scaleYaml(readFileSync(join(ROOT, path), 'utf8'), durations);
}

/**
 * The shipped rules: features over twelve times shorter windows, alerts after twelve times shorter waits. For another
 * detector than the autoencoder, its own rules and alerts too, and the others follow it (docs/detectors.md).
 */
function writeRules(folder: string, detector: DetectorName): void {
  const rules = join(folder, 'rules');
  mkdirSync(rules, { recursive: true });
  const features = shippedYaml('rules/features.yaml', ['windows']);
  writeFileSync(join(folder, 'features.yaml'), features);
  const set = parseFeatures('features.yaml', features);
  const other = detector !== 'autoencoder';
  for (const part of other ? RECORDING_PARTS : (['services'] as const)) {
    writeFileSync(
      join(rules, `${part}.rules.yaml`),
      renderRecordingRules(set, { part, detector, intervalMs: RULE_INTERVAL_MS }),
    );
  }
  const alerts = ['services.alerts.yaml', 'lorikeet.alerts.yaml', ...(other ? ['detectors.alerts.yaml'] : [])];
  for (const name of alerts) {
    const shipped = readFileSync(join(ROOT, 'rules', name), 'utf8');
    const text =
      name === 'services.alerts.yaml'
        ? scaleAlerts(renderServiceAlerts(shipped, detector))
        : scaleYaml(shipped, ALERT_DURATIONS);
    writeFileSync(join(rules, name), text);
  }
}

interface ScrapeConfig {
  job_name: string;
  scrape_interval: string;
  static_configs: { targets: string[] }[];
}

function writePrometheusConfig(
  folder: string,
  port: { readonly exporter: number; readonly alertmanager: number; readonly scorer: number },
): void {
  const text = readFileSync(join(ROOT, 'manifests/prometheus/scrape-configs.yaml'), 'utf8');
  const { scrape_configs: shipped } = load(text) as { scrape_configs: ScrapeConfig[] };
  const targets: Readonly<Record<string, number>> = {
    'lorikeet-exporter': port.exporter,
    'lorikeet-scorer': port.scorer,
  };
  const scrapeConfigs = shipped.map((config) => ({
    ...config,
    scrape_interval: SCRAPE_INTERVAL,
    static_configs: [{ targets: [`127.0.0.1:${targets[config.job_name] ?? 0}`] }],
  }));
  const config = {
    global: { scrape_interval: SCRAPE_INTERVAL, evaluation_interval: formatDuration(RULE_INTERVAL_MS) },
    rule_files: ['rules/*.yaml'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${port.alertmanager}`] }] }] },
    scrape_configs: scrapeConfigs,
  };
  writeFileSync(join(folder, 'prometheus.yml'), dump(config, { lineWidth: -1 }));
}

function writeScorerConfig(stack: Stack, { learningMs, detector, tracesAddress }: StackOptions): void {
  const shipped = load(readFileSync(join(ROOT, 'manifests/scorer.yaml'), 'utf8')) as Record<string, object>;
  const config = {
    ...shipped,
    prometheus: { ...shipped['prometheus'], url: stack.prometheusUrl },
    remote_write: { ...shipped['remote_write'], url: `${stack.prometheusUrl}/api/v1/write` },
    interval: formatDuration(INTERVAL_MS),
    features_file: 'features.yaml',
    learning: { ...shipped['learning'], minimum: formatDuration(learningMs) },
    state_dir: 'scorer',
    ...(detector !== undefined && { detectors: DEMO_DETECTORS[detector].config }),
    ...(tracesAddress !== undefined && { traces: { listen_address: tracesAddress, wait: TRACES_WAIT } }),
  };
  writeFileSync(stack.scorerConfig, dump(config, { lineWidth: -1 }));
}
