import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../../dashboards/all.ts';
import { readTopology } from '../../microsim/topology/topology.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { architecturePicture } from './architecture-picture.ts';
import { BASE, kustomizeBase } from './base.ts';
import { chartValuesSchema } from './chart-values.ts';
import { findKubernetesProgram, helmTemplate } from './helm.ts';
import { simulatedSystem } from './microsim.ts';
import { withCounterTable, withProgramTable } from './collector-tables.ts';
import {
  dashboardConfigMap,
  groupsOf,
  kustomization,
  manifest,
  prometheusConfigMap,
  prometheusRule,
} from './operator.ts';
import { kubernetesScrapeConfigs, podMonitors, staticScrapeConfigs } from './scrape-configs.ts';

/** The root of the repository: this code runs bundled in dist/. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

type Files = Readonly<Record<string, string>>;

/** Writes files into a directory that may have others. */
function writeFiles(path: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    const file = join(ROOT, path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Replaces the content of a directory that only has generated files. */
function writeFolder(path: string, files: Files): void {
  rmSync(join(ROOT, path), { recursive: true, force: true });
  writeFiles(path, files);
}

const shipped = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const features = readFeatures(join(ROOT, 'rules/features.yaml'));
const rules = renderRecordingRules(features);
const instances = renderRecordingRules(features, { part: 'instances' });
const services = shipped('rules/services.alerts.yaml');
const detectors = shipped('rules/detectors.alerts.yaml');
const health = shipped('rules/lorikeet.alerts.yaml');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const boards = Object.fromEntries(dashboards().map((dashboard) => [`${dashboard.uid}.json`, json(dashboard)]));
writeFolder('rules/generated', { 'lorikeet.rules.yaml': rules, 'lorikeet-instances.rules.yaml': instances });
writeFolder('dashboards/generated', boards);
const scrapeConfigs = kubernetesScrapeConfigs();
const forPrometheus = {
  'config-maps.yaml': manifest('For a Prometheus without the operator: its files as ConfigMaps, to mount.', [
    prometheusConfigMap('lorikeet-rules', {
      'lorikeet.rules.yaml': rules,
      'services.alerts.yaml': services,
      'lorikeet.alerts.yaml': health,
    }),
    prometheusConfigMap('lorikeet-scrape-configs', { 'scrape-configs.yaml': scrapeConfigs }),
  ]),
};
const DETECTOR_NOTE =
  'The rules of the detectors beside the autoencoder, which the chart adds with them (docs/detectors.md).';
const detectorsForPrometheus = {
  'detector-config-maps.yaml': manifest(DETECTOR_NOTE, [
    prometheusConfigMap('lorikeet-detector-rules', {
      'lorikeet-instances.rules.yaml': instances,
      'detectors.alerts.yaml': detectors,
    }),
  ]),
};
const detectorsForOperator = {
  'detector-rules.yaml': manifest(DETECTOR_NOTE, [
    prometheusRule('lorikeet-instances', instances),
    prometheusRule('lorikeet-detectors', detectors),
  ]),
};
const forOperator = {
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
};
writeFiles('manifests/prometheus', {
  'scrape-configs.yaml': staticScrapeConfigs(),
  'scrape-configs.kubernetes.yaml': scrapeConfigs,
  ...forPrometheus,
  ...detectorsForPrometheus,
  'kustomization.yaml': kustomization({ resources: Object.keys(forPrometheus) }),
});
writeFolder('manifests/generated', {
  // For mixin.libsonnet: jsonnet cannot read YAML with anchors.
  'rules.json': json({
    recording: groupsOf(rules),
    alerting: [...groupsOf(services), ...groupsOf(health)],
    detectors: { recording: groupsOf(instances), alerting: groupsOf(detectors) },
  }),
  ...forOperator,
  ...detectorsForOperator,
  'kustomization.yaml': kustomization({ resources: Object.keys(forOperator) }),
});
writeFiles('manifests/chart', { 'values.schema.json': json(chartValuesSchema()) });
writeFolder('manifests/microsim', {
  'shop.yaml': manifest(
    'The simulated web shop of microsim/topologies/web-shop.yaml with load. To break it, see docs/guides/kubernetes.md.',
    simulatedSystem(readTopology(join(ROOT, 'microsim/topologies/web-shop.yaml'))),
  ),
  'kustomization.yaml': kustomization({ resources: ['shop.yaml'] }),
});
writeFiles('docs/images', { 'lorikeet.svg': architecturePicture() });
writeFiles('docs', {
  'kernels.md': withProgramTable(shipped('docs/kernels.md')),
  'container-metrics.md': withCounterTable(shipped('docs/container-metrics.md')),
});
const helm = findKubernetesProgram(ROOT, 'helm');
if (helm === undefined) process.stderr.write('generate: helm not found, manifests/base is not updated\n');
else {
  execFileSync('bash', [join(ROOT, 'scripts/package/chart.sh')]);
  writeFolder('manifests/base', kustomizeBase(helmTemplate(helm, join(ROOT, 'build/chart/lorikeet'), BASE)));
}
