import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { parseFlags } from '../../daemon/flags.ts';
import { renderLabelledAlerts } from '../../scorer/features/labelled-alerts.ts';
import { FLAGS, readConfig } from '../../exporter/config.ts';
import { describeWith } from '../skips/describe-with.ts';
import { HELM } from '../skips/needs.ts';
import { CHART, complaint, EVERYTHING, kustomize, objectsOf, RENDERING, runHelm, template } from './manifests.ts';
import { containerOf, podTemplate } from './pods.ts';
import type { KubernetesObject } from './schema.ts';

/**
 * Objects by kind and name, without the differences between kustomize and Helm: namespaces and restarts by checksums.
 */
function catalogue(objects: readonly KubernetesObject[]): Readonly<Record<string, unknown>> {
  const withoutSuffix = JSON.stringify(objects).replaceAll(/"lorikeet-scorer-[a-z0-9]{10}"/g, '"lorikeet-scorer"');
  const entries = (JSON.parse(withoutSuffix) as KubernetesObject[]).map(({ metadata, ...rest }) => {
    const { namespace: _, ...named } = metadata;
    return [`${rest.kind} ${metadata.name}`, { ...rest, metadata: named }] as const;
  });
  return Object.fromEntries(entries);
}

/** `objects` without the checksum by which Helm restarts pods. */
function withoutChecksum(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const isChecksum = (key: string, value: unknown) =>
    key === 'annotations' && Object.keys(value as object).join() === 'checksum/config';
  const text = JSON.stringify(objects, (key, value: unknown) => (isChecksum(key, value) ? undefined : value));
  return JSON.parse(text) as KubernetesObject[];
}

describeWith([HELM], 'the Helm chart', () => {
  test('passes helm lint with every set of values', () => {
    for (const values of [[], EVERYTHING]) {
      expect(runHelm(['lint', '--strict', ...RENDERING, CHART, ...values])).toContain('0 chart(s) failed');
    }
  });

  test('is refused before it is packaged, with the command that packages it', () => {
    expect(complaint('manifests/chart')).toContain(
      'the chart has no files/config-maps.yaml: run `bash scripts/package/chart.sh` and install build/chart/lorikeet',
    );
  });

  test('is the same as an archive', () => {
    const [archive = ''] = readdirSync(dirname(CHART)).filter((name) => name.endsWith('.tgz'));
    const render = (chart: string) => runHelm(['template', 'lorikeet', chart, ...RENDERING, ...EVERYTHING]);
    expect(render(join(dirname(CHART), archive))).toBe(render(CHART));
  });

  test('has the version of the programs', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(load(readFileSync(`${CHART}/Chart.yaml`, 'utf8'))).toMatchObject({ version, appVersion: version });
  });

  test('renders the kustomize base with its default values', () => {
    const base = kustomize('base').filter(({ kind }) => kind !== 'Namespace');
    expect(base.length).toBe(12);
    expect(catalogue(base)).toEqual(catalogue(withoutChecksum(template())));
  });

  test.each([
    ['exporter.colour=red', "at '/exporter': additional properties 'colour' not allowed"],
    ['exporter.collectors.sockets=true', "at '/exporter/collectors': additional properties 'sockets' not allowed"],
    ['exporter.monitorDefault=some', "at '/exporter/monitorDefault': value must be one of 'all', 'none'"],
    [
      'exporter.podAnnotations.lorikeet\\.dev/monitr=x',
      'exporter.podAnnotations.lorikeet.dev/monitr: unknown, expected',
    ],
    ['scorer.podAnnotations.lorikeet\\.dev/servce=x', 'scorer.podAnnotations.lorikeet.dev/servce: unknown, expected'],
    ['scorer.config.intervall=1m', "at '/scorer/config': additional properties 'intervall' not allowed"],
    ['scorer.config.prometheus.uri=x', "at '/scorer/config/prometheus': additional properties 'uri' not allowed"],
    ['scorer.config.output=file', "at '/scorer/config/output': value must be one of 'remote_write', 'metrics'"],
    ['scorer.shards=0', "at '/scorer/shards': minimum: got 0, want 1"],
    ['web.tls.secret=x', "at '/web/tls': additional properties 'secret' not allowed"],
    ['web.auth.users.prometheus=secret', "at '/web/auth/users/prometheus'"],
    ['exporter.image.digest=latest', "at '/exporter/image/digest'"],
    ['operator.podMonitor.limit=1', "at '/operator/podMonitor': additional properties 'limit' not allowed"],
    ['scorer.serviceAccountAnnotations.a=b', "at '/scorer': additional properties 'serviceAccountAnnotations'"],
  ])('rejects %s: %s', (value, message) => {
    expect(complaint(CHART, `--set=${value}`)).toContain(message);
  });

  test('refuses further labels of services beside its own rules, which do not have them', () => {
    const labels = '--set-json=scorer.config.identity={"labels":["cluster"]}';
    expect(complaint(CHART, labels, '--set=operator.enabled=true')).toContain(
      "scorer.config.identity.labels: the chart's rules do not have the labels cluster: set operator.rules=false",
    );
    for (const more of ['operator.rules=false', 'operator.enabled=false']) {
      expect(JSON.stringify(template(labels, `--set=operator.enabled=true,${more}`))).toContain('cluster');
    }
  });

  test('installs rule files of users as PrometheusRules, as they are', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'lorikeet-rule-files-')), 'alerts.yaml');
    writeFileSync(path, renderLabelledAlerts(readFileSync('rules/services.alerts.yaml', 'utf8'), ['cluster']));
    const set = `--set-file=operator.ruleFiles.alerts=${path}`;
    const rules = (...more: string[]) =>
      template(set, '--set=operator.enabled=true,operator.rules=false,operator.labels.release=kps', ...more).filter(
        ({ kind }) => kind === 'PrometheusRule',
      );
    const [rule, ...others] = rules();
    expect(others).toEqual([]);
    expect(rule?.metadata).toMatchObject({ name: 'lorikeet-alerts', labels: { release: 'kps' } });
    expect(rule?.['spec']).toEqual(load(readFileSync(path, 'utf8')));
    expect(rules('--set=operator.enabled=false')).toEqual([]);
    expect(complaint(CHART, '--set=operator.enabled=true,operator.ruleFiles.alerts=none')).toContain(
      'operator.ruleFiles.alerts: expected the text of a rule file, with groups',
    );
    rmSync(dirname(path), { recursive: true });
  });

  test('accepts annotations of users in addition to its own two', () => {
    const { metadata } = podTemplate(
      template('--set=exporter.podAnnotations.lorikeet\\.dev/service=x,exporter.podAnnotations.a/b=y'),
      'DaemonSet',
    );
    expect(metadata.annotations).toEqual({ 'lorikeet.dev/service': 'x', 'a/b': 'y' });
  });

  test('the rules of detectors are installed with the detectors, and not without', () => {
    const both = '--set=operator.enabled=true,prometheus.enabled=true';
    const named = (...values: string[]) =>
      template(both, ...values)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
        .filter((name) => /detector|instances/.test(name));
    expect(named()).toEqual([]);
    expect(named('--set-json=scorer.config.detectors={"autoencoder":{}}')).toEqual([]);
    expect(named('--set-json=scorer.config.detectors={"gru_vae":{}}').toSorted()).toEqual([
      'ConfigMap lorikeet-detector-rules',
      'PrometheusRule lorikeet-detectors',
      'PrometheusRule lorikeet-instances',
    ]);
  });

  test('the rules follow the detector that is chosen', () => {
    const rules = (...values: string[]) =>
      JSON.stringify(
        template('--set=operator.enabled=true,prometheus.enabled=true', ...values).filter(
          ({ kind, metadata }) => kind === 'PrometheusRule' || metadata.name === 'lorikeet-rules',
        ),
      );
    const [shipped, agreement] = [rules(), rules('--set=rules.detector=agreement')];
    const count = (text: string, detector: string) => text.split(`detector=~\\"${detector}|gone\\"`).length - 1;
    expect(count(shipped, 'autoencoder')).toBeGreaterThan(0);
    expect(count(agreement, 'agreement')).toBe(count(shipped, 'autoencoder'));
    expect(agreement).not.toContain('autoencoder');
    expect(complaint(CHART, '--set=rules.detector=another')).toContain("at '/rules/detector'");
  });

  test('has as many shards as replicas, and restarts them when the configuration changes', () => {
    const checksums = ['1', '3'].map((shards) => {
      const objects = template(`--set=scorer.shards=${shards}`);
      const set = objects.find(({ kind }) => kind === 'StatefulSet');
      expect(set?.['spec']).toMatchObject({ replicas: Number(shards) });
      expect(load(scorerConfig(objects))).toMatchObject({ shard: { count: Number(shards) } });
      return podTemplate(objects, 'StatefulSet').metadata.annotations?.['checksum/config'];
    });
    expect(checksums[0]).not.toBe(checksums[1]);
  });

  test.each<[string, () => KubernetesObject[]]>([
    ['of the base', () => kustomize('base')],
    ['of the overlay for a plain Prometheus', () => kustomize('overlays/prometheus')],
    ['for scores on /metrics', () => template('--set=scorer.config.output=metrics')],
    ['for a tenant', () => template('--set=scorer.config.prometheus.headers.X-Scope-OrgID=a')],
    ['for another interval', () => template('--set=scorer.config.interval=30s,scorer.config.learning.history=2d')],
  ])('the scorer accepts its configuration %s', (_, objects) => {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-chart-'));
    try {
      writeFileSync(join(folder, 'scorer.yaml'), scorerConfig(objects()));
      const check = `hostname lorikeet-scorer-0 && exec "$0" dist/lorikeet-scorer.js run --config.check --config.file="$1"`;
      const command = ['--uts', 'sh', '-c', check, process.execPath, join(folder, 'scorer.yaml')];
      expect(execFileSync('unshare', command, { encoding: 'utf8' })).toContain(': valid, ');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the exporter accepts its arguments', () => {
    const args = (...values: string[]) => containerOf(podTemplate(template(...values), 'DaemonSet')).args;
    const more = ['--set=exporter.extraArgs={--log.format=json}', '--set=exporter.httpStatusPorts={80,8080}'];
    const all = [...args(...EVERYTHING), ...args(...more)];
    const { values, positionals } = parseFlags(all, FLAGS);
    expect([positionals, values['log.format']]).toEqual([[], 'json']);
    const config = readConfig(values, { NODE_NAME: 'node-1' });
    expect(config.cgroupfs).toBe('/host/sys/fs/cgroup');
    expect(config.kubernetes).toEqual({ kubeconfig: undefined, nodeName: 'node-1', monitorDefault: true });
    expect(config.collectors.has('http_status')).toBe(true);
    expect(config.statusPorts).toEqual([80, 8080]);
    expect(config.collectors.has('edges')).toBe(false);
  });

  test('two releases have no names in common', () => {
    const [one = [], two = []] = ['one', 'two'].map((release) =>
      objectsOf(runHelm(['template', release, CHART, ...RENDERING])).map(({ metadata }) => metadata.name),
    );
    expect(one.length).toBeGreaterThan(10);
    expect(one.filter((name) => two.includes(name))).toEqual([]);
  });
});

/** The scorer's configuration file among the objects. */
function scorerConfig(objects: readonly KubernetesObject[]): string {
  const isIt = ({ kind, metadata }: KubernetesObject) =>
    kind === 'ConfigMap' && /^lorikeet-scorer(-|$)/.test(metadata.name) && !metadata.name.endsWith('-dashboard');
  const [map = {}] = objects.filter(isIt) as { readonly data?: Readonly<Record<string, string>> }[];
  return map.data?.['scorer.yaml'] ?? '';
}
