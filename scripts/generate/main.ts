import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../../dashboards/all.ts';
import { readFeatures } from '../../scorer/features.ts';
import { renderRecordingRules } from '../../scorer/recording-rules.ts';
import { dashboardConfigMap, groupsOf, manifest, prometheusRule } from './operator.ts';
import { kubernetesScrapeConfigs, podMonitors, staticScrapeConfigs } from './scrape-configs.ts';

/** The repository: this code runs bundled in dist/. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

type Files = Readonly<Record<string, string>>;

/** Writes files into a folder that may hold others. */
function writeFiles(path: string, files: Files): void {
  const folder = join(ROOT, path);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

/** A folder that holds nothing but what is generated. */
function writeFolder(path: string, files: Files): void {
  rmSync(join(ROOT, path), { recursive: true, force: true });
  writeFiles(path, files);
}

const shipped = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const rules = renderRecordingRules(readFeatures(join(ROOT, 'rules/features.yaml')));
const services = shipped('rules/services.alerts.yaml');
const health = shipped('rules/lorikeet.alerts.yaml');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const boards = Object.fromEntries(dashboards().map((dashboard) => [`${dashboard.uid}.json`, json(dashboard)]));
writeFolder('rules/generated', { 'lorikeet.rules.yaml': rules });
writeFolder('dashboards/generated', boards);
writeFiles('manifests/prometheus', {
  'scrape-configs.yaml': staticScrapeConfigs(),
  'scrape-configs.kubernetes.yaml': kubernetesScrapeConfigs(),
});
writeFolder('manifests/generated', {
  // For mixin.libsonnet: jsonnet reads no YAML with anchors.
  'rules.json': json({ recording: groupsOf(rules), alerting: [...groupsOf(services), ...groupsOf(health)] }),
  'prometheus-rules.yaml': manifest('For Prometheus Operator: the rules of rules/.', [
    prometheusRule('lorikeet-recording', rules),
    prometheusRule('lorikeet-services', services),
    prometheusRule('lorikeet-health', health),
  ]),
  'pod-monitors.yaml': manifest('For Prometheus Operator: what to scrape.', podMonitors()),
  'dashboards.yaml': manifest(
    'For the sidecar of the charts of Grafana and kube-prometheus-stack: the dashboards of dashboards/generated.',
    Object.entries(boards).map(([name, text]) => dashboardConfigMap(name.replace('.json', ''), text)),
  ),
});
