import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { parseFlags } from '../../daemon/flags.ts';
import { readWebConfig } from '../../daemon/web-config/format.ts';
import { FLAGS, readConfig } from '../../exporter/config.ts';
import { describeWith } from '../skips/describe-with.ts';
import { HELM } from '../skips/needs.ts';
import { CHART, complaint, objectOf, template } from './manifests.ts';
import { containerOf, podTemplate } from './pods.ts';
import type { KubernetesObject } from './schema.ts';

const TLS = '--set=web.tls.secretName=tls';
const HASH = `$2y$10$${'a'.repeat(53)}`;
const USERS = `--set-json=web.auth.users=${JSON.stringify({ prometheus: HASH })}`;
const SCRAPE = '--set=web.auth.scrapeSecretName=scrape';
const OPERATOR = '--set=operator.enabled=true';
const KINDS = { exporter: 'DaemonSet', scorer: 'StatefulSet' } as const;

type Endpoint = Readonly<Record<string, unknown>>;
const endpointOf = (objects: readonly KubernetesObject[], name: string): Endpoint => {
  const monitor = objectOf(objects, 'PodMonitor', `lorikeet-${name}`);
  return (monitor['spec'] as { podMetricsEndpoints: readonly [Endpoint] }).podMetricsEndpoints[0];
};
const scrapeConfigsOf = (objects: readonly KubernetesObject[]): readonly Record<string, unknown>[] => {
  const map = objectOf(objects, 'ConfigMap', 'lorikeet-scrape-configs');
  const text = (map['data'] as Record<string, string>)['scrape-configs.yaml'] ?? '';
  return (load(text) as { scrape_configs: Record<string, unknown>[] }).scrape_configs;
};

/** web.yaml as the programs read it. */
function webConfigOf(objects: readonly KubernetesObject[]): ReturnType<typeof readWebConfig> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-chart-web-'));
  try {
    const secret = objectOf(objects, 'Secret', 'lorikeet-web');
    const path = join(folder, 'web.yaml');
    writeFileSync(path, (secret['stringData'] as Record<string, string>)['web.yaml'] ?? '');
    const { tls, users, ...rest } = readWebConfig(path);
    const relative = (file: string | undefined) => file?.replace(`${folder}/`, '');
    const files = tls && { ...tls, cert_file: relative(tls.cert_file), key_file: relative(tls.key_file) };
    return { tls: files, users, ...rest };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeWith([HELM], 'TLS and passwords by the chart', () => {
  test.each(['exporter', 'scorer'] as const)('the %s has neither by default', (program) => {
    const objects = template(OPERATOR);
    const { args, livenessProbe, readinessProbe } = containerOf(podTemplate(objects, KINDS[program]));
    expect(args.join(' ')).not.toContain('--web.config');
    for (const probe of [livenessProbe, readinessProbe]) expect(probe?.httpGet).not.toHaveProperty('scheme');
    expect(endpointOf(objects, program)).not.toHaveProperty('scheme');
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  test.each(['exporter', 'scorer'] as const)('with a certificate, probes and monitor of the %s follow', (program) => {
    const objects = template(OPERATOR, TLS);
    const pod = podTemplate(objects, KINDS[program]);
    const { args, livenessProbe, readinessProbe, volumeMounts } = containerOf(pod);
    expect(args).toContain('--web.config.file=/etc/lorikeet-web/web.yaml');
    expect(args).not.toContain('--web.probes-without-password');
    for (const probe of [livenessProbe, readinessProbe]) expect(probe?.httpGet).toMatchObject({ scheme: 'HTTPS' });
    expect(volumeMounts).toContainEqual({ name: 'web', mountPath: '/etc/lorikeet-web', readOnly: true });
    const own = { secret: { name: 'lorikeet-web', items: [{ key: 'web.yaml', path: 'web.yaml' }] } };
    expect(pod.spec.volumes).toContainEqual({
      name: 'web',
      projected: { sources: [own, { secret: { name: 'tls' } }] },
    });
    expect(endpointOf(objects, program)).toMatchObject({
      scheme: 'https',
      tlsConfig: {
        serverName: `lorikeet-${program}.lorikeet.svc`,
        ca: { secret: { name: 'tls', key: 'ca.crt' } },
      },
    });
    expect(webConfigOf(objects)).toMatchObject({
      tls: { cert_file: 'tls.crt', key_file: 'tls.key' },
      users: new Map(),
    });
  });

  test('a certificate of a known authority needs none, and may have another name', () => {
    const objects = template(OPERATOR, TLS, '--set=web.tls.caKey=,web.tls.serverName=lorikeet.example');
    expect(endpointOf(objects, 'exporter')['tlsConfig']).toEqual({ serverName: 'lorikeet.example' });
  });

  test('with users, probes need no password, and monitors have one', () => {
    const objects = template(OPERATOR, USERS, SCRAPE);
    for (const [program, kind] of Object.entries(KINDS)) {
      const { args, livenessProbe } = containerOf(podTemplate(objects, kind));
      expect(args).toContain('--web.probes-without-password');
      expect(livenessProbe?.httpGet).not.toHaveProperty('scheme');
      const selector = (key: string) => ({ name: 'scrape', key });
      expect(endpointOf(objects, program)['basicAuth']).toEqual({
        username: selector('username'),
        password: selector('password'),
      });
    }
    expect(webConfigOf(objects)).toMatchObject({ tls: undefined, users: new Map([['prometheus', HASH]]) });
    const { args } = containerOf(podTemplate(objects, 'DaemonSet'));
    const config = readConfig(parseFlags(args, FLAGS).values, { NODE_NAME: 'node-1' });
    expect(config.probesWithoutPassword).toBe(true);
  });

  test('a web.yaml of the user takes the place of that of the chart', () => {
    const objects = template(TLS, '--set=web.auth.secretName=mine');
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const { spec } = podTemplate(objects, 'StatefulSet');
    expect(JSON.stringify(spec.volumes)).toContain('{"name":"mine","items":[{"key":"web.yaml","path":"web.yaml"}]}');
    expect(containerOf(podTemplate(objects, 'StatefulSet')).args).toContain('--web.probes-without-password');
  });

  test('is refused where a scrape would fail, or the probes', () => {
    expect(complaint(CHART, OPERATOR, USERS)).toContain('web.auth.scrapeSecretName: missing, expected a Secret');
    expect(complaint(CHART, '--set=prometheus.enabled=true', USERS)).toContain(
      'prometheus.scrapeConfig.basic_auth: missing',
    );
    for (const program of Object.keys(KINDS)) {
      expect(complaint(CHART, `--set=${program}.extraArgs={--web.config.file=/x}`)).toContain(
        `${program}.extraArgs: expected web.tls and web.auth in place of --web.config.file`,
      );
    }
  });

  test('scrape configurations for a Prometheus without the operator follow', () => {
    const settings = {
      tls_config: { ca_file: '/ca.crt' },
      basic_auth: { username: 'prometheus', password_file: '/p' },
    };
    const values = [
      '--set=prometheus.enabled=true',
      TLS,
      USERS,
      `--set-json=prometheus.scrapeConfig=${JSON.stringify(settings)}`,
    ];
    const configs = scrapeConfigsOf(template(...values));
    expect(configs.map((config) => config['job_name'])).toEqual(['lorikeet-exporter', 'lorikeet-scorer']);
    for (const config of configs) {
      expect(config).toMatchObject({
        scheme: 'https',
        honor_labels: true,
        basic_auth: settings.basic_auth,
        tls_config: { ca_file: '/ca.crt', server_name: `${config['job_name'] as string}.lorikeet.svc` },
      });
    }
    const [plain] = scrapeConfigsOf(template('--set=prometheus.enabled=true'));
    expect(plain).not.toHaveProperty('scheme');
    const [limited] = scrapeConfigsOf(template('--set=prometheus.enabled=true,prometheus.scrapeConfig.sample_limit=9'));
    expect(limited).toMatchObject({ sample_limit: 9, scrape_interval: '15s' });
  });
});

describeWith([HELM], 'PodMonitors', () => {
  test('have the settings of the user, after those that the rules need', () => {
    const relabeling = { targetLabel: 'cluster', replacement: 'a' };
    const drop = { action: 'labeldrop', regex: 'pod' };
    const objects = template(
      OPERATOR,
      '--set=operator.podMonitor.interval=10s,operator.podMonitor.scrapeTimeout=5s,operator.podMonitor.sampleLimit=50000',
      `--set-json=operator.podMonitor.relabelings=${JSON.stringify([relabeling])}`,
      `--set-json=operator.podMonitor.metricRelabelings=${JSON.stringify([drop])}`,
    );
    for (const program of Object.keys(KINDS)) {
      const endpoint = endpointOf(objects, program);
      expect(endpoint).toMatchObject({ interval: '10s', scrapeTimeout: '5s', metricRelabelings: [drop] });
      expect((endpoint['relabelings'] as { targetLabel: string }[]).map(({ targetLabel }) => targetLabel)).toEqual([
        'job',
        'instance',
        'cluster',
      ]);
      expect(objectOf(objects, 'PodMonitor', `lorikeet-${program}`)['spec']).toMatchObject({ sampleLimit: 50_000 });
    }
  });
});
