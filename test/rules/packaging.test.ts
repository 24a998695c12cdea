import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load, loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VICTORIA_METRICS } from '../skips/needs.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const parse = (path: string): object => load(read(path)) as object;
const RULE_FILES = ['rules/generated/lorikeet.rules.yaml', 'rules/services.alerts.yaml', 'rules/lorikeet.alerts.yaml'];
/** Installed only with the detectors beside the autoencoder. */
const DETECTOR_FILES = ['rules/generated/lorikeet-instances.rules.yaml', 'rules/detectors.alerts.yaml'];

/** A mixin's keys are hidden, so that importers decide how to render them. */
const SHOW_HIDDEN =
  "local mixin = (import 'mixin.libsonnet') + { _config+:: { lorikeetDetectors: std.extVar('detectors') == 'true' } }; { [key]: mixin[key] for key in ['grafanaDashboards', 'prometheusRules', 'prometheusAlerts'] }";

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, string>>;
}

const objects = (path: string): KubernetesObject[] => loadAll(read(path)) as KubernetesObject[];

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-packaging-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the scrape configurations', () => {
  it('are accepted by Prometheus', () => {
    const path = join(folder, 'prometheus.yml');
    writeFileSync(path, read('manifests/prometheus/scrape-configs.yaml'));
    expect(execFileSync('promtool', ['check', 'config', path], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  // Debian builds its Prometheus without Kubernetes; VictoriaMetrics reads the same format, strictly.
  it('for Kubernetes are accepted by VictoriaMetrics', ({ skip }) => {
    skip(VICTORIA_METRICS.isMissing(), VICTORIA_METRICS.lack);
    const path = 'manifests/prometheus/scrape-configs.kubernetes.yaml';
    const { status, stderr } = spawnSync('victoria-metrics', [`-promscrape.config=${path}`, '-dryRun'], {
      encoding: 'utf8',
    });
    expect(stderr).toContain('-promscrape.config is ok');
    expect(status).toBe(0);
  });

  it('keep the labels of the series of both programs', () => {
    for (const name of ['scrape-configs.yaml', 'scrape-configs.kubernetes.yaml']) {
      expect(parse(`manifests/prometheus/${name}`)).toMatchObject({
        scrape_configs: [
          { job_name: 'lorikeet-exporter', honor_labels: true },
          { job_name: 'lorikeet-scorer', honor_labels: true },
        ],
      });
    }
    const monitors = objects('manifests/generated/pod-monitors.yaml');
    expect(monitors.map(({ metadata }) => metadata.name)).toEqual(['lorikeet-exporter', 'lorikeet-scorer']);
    for (const { spec } of monitors) expect(spec['podMetricsEndpoints']).toMatchObject([{ honorLabels: true }]);
  });
});

describe('the objects for Prometheus Operator and Grafana’s sidecar', () => {
  it.each([
    ['prometheus-rules.yaml', RULE_FILES],
    ['detector-rules.yaml', DETECTOR_FILES],
  ])('hold the rules of the rule files, and Prometheus takes them: %s', (name, files) => {
    const rules = objects(`manifests/generated/${name}`);
    expect(rules.map(({ spec }) => spec)).toEqual(files.map(parse));
    for (const { kind, metadata, spec } of rules) {
      expect(kind).toBe('PrometheusRule');
      const path = join(folder, `${metadata.name}.yaml`);
      writeFileSync(path, dump(spec, { noRefs: true }));
      execFileSync('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', path]);
    }
  });

  it('have each dashboard unchanged, below the size limit of objects', () => {
    const maps = objects('manifests/generated/dashboards.yaml');
    expect(maps.flatMap(({ data }) => Object.keys(data)).sort()).toEqual(readdirSync('dashboards/generated').sort());
    for (const { metadata, data } of maps) {
      expect(metadata.labels['grafana_dashboard']).toBe('1');
      for (const [name, json] of Object.entries(data)) {
        expect(json).toBe(read(`dashboards/generated/${name}`));
        expect(json.length).toBeLessThan(1_000_000);
      }
    }
  });
});

describe('mixin.libsonnet', () => {
  const evaluate = (detectors: boolean) =>
    JSON.parse(
      execFileSync('jsonnet', ['--jpath', '.', '--ext-str', `detectors=${detectors}`, '--exec', SHOW_HIDDEN], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      }),
    ) as {
      readonly grafanaDashboards: Readonly<Record<string, object>>;
      readonly prometheusRules: { readonly groups: readonly object[] };
      readonly prometheusAlerts: { readonly groups: readonly object[] };
    };

  it('adds the rules of the detectors where they are wanted', () => {
    const [plain, all] = [evaluate(false), evaluate(true)];
    const [recording = '', alerting = ''] = DETECTOR_FILES.map(read);
    const groups = (text: string) => (load(text) as { groups: object[] }).groups;
    expect(all.prometheusRules.groups).toEqual([...plain.prometheusRules.groups, ...groups(recording)]);
    expect(all.prometheusAlerts.groups).toEqual([...plain.prometheusAlerts.groups, ...groups(alerting)]);
  });

  it('gives the same rules and dashboards', () => {
    const mixin = evaluate(false);
    const [recording = '', services = '', health = ''] = RULE_FILES;
    const groups = (path: string) => (parse(path) as { groups: object[] }).groups;
    expect(mixin.prometheusRules).toEqual(parse(recording));
    expect(mixin.prometheusAlerts).toEqual({ groups: [...groups(services), ...groups(health)] });
    expect(Object.keys(mixin.grafanaDashboards).sort()).toEqual(readdirSync('dashboards/generated').sort());
    for (const [name, dashboard] of Object.entries(mixin.grafanaDashboards)) {
      expect(dashboard).toEqual(JSON.parse(read(`dashboards/generated/${name}`)));
    }
  });
});
