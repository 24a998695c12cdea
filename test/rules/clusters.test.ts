import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderLabelledAlerts } from '../../scorer/features/labelled-alerts.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';

/** Rules for services that have further labels, evaluated by promtool for two clusters with the same services. */

const read = (path: string) => readFileSync(path, 'utf8');
const ALERTS = ['rules/services.alerts.yaml', 'rules/detectors.alerts.yaml'];
const FEATURES = ['rules/features.yaml', 'rules/features-traces.yaml', 'rules/features-http-status.yaml'];

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-clusters-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function rulesOf(text: string): Rule[] {
  return (load(text) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );
}

function check(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  execFileSync('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', path]);
  return path;
}

/** Runs promtool's tests on the rule files of this folder. */
function testRules(files: readonly string[], tests: readonly object[]): string {
  const path = join(folder, 'rules.test.yaml');
  writeFileSync(path, dump({ rule_files: files, evaluation_interval: '30s', tests }, { noRefs: true }));
  return execFileSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
}

/** The lists of labels that an expression aggregates by or joins on, without those of the dashboards' graph itself. */
const listsIn = (expr: string) => [...expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].map(([, list = '']) => list.trim());

describe.each([[['cluster']], [['tenant', 'cluster', 'environment']]])('rules with the labels %j', (labels) => {
  it.each(FEATURES)('of %s keep services apart wherever they aggregate or join', (path) => {
    const set = readFeatures(path);
    for (const part of ['services', 'instances'] as const) {
      const text = renderRecordingRules(set, { part, labels });
      check(`${part}.yaml`, text);
      const lists = rulesOf(text).flatMap(({ expr }) => listsIn(expr));
      expect(lists.length).toBeGreaterThan(0);
      for (const list of lists.filter((one) => one !== '')) expect(list.startsWith(labels.join(', '))).toBe(true);
    }
  });

  it.each(ALERTS)('of %s select them in every query of every annotation', (path) => {
    const text = renderLabelledAlerts(read(path), labels);
    check('alerts.yaml', text);
    for (const { alert = '', expr, annotations = {} } of rulesOf(text)) {
      for (const list of listsIn(expr)) expect(list.startsWith(labels.join(', ')), alert).toBe(true);
      for (const annotation of Object.values(annotations)) {
        const queries = [...annotation.matchAll(/\b(?:query|printf) (?:"([^"]*)"|`([^`]*)`)/g)];
        const selectors = queries.flatMap(([, double = '', raw = '']) =>
          [
            ...(double + raw).matchAll(/\b(?:ALERTS|anomaly_\w+|lorikeet_\w+|(?:service|pod|edge):[\w:]+)(\{[^}]*)?/g),
          ].map(([selector]) => selector),
        );
        const own = selectors.filter((selector) => !selector.startsWith('lorikeet_feature'));
        for (const selector of own)
          expect(selector).toContain(`{${labels.map((label, index) => `${label}=%[${index + 1}]q`).join(',')}`);
      }
    }
  });
});

it('rules without further labels are the shipped ones', () => {
  const set = readFeatures('rules/features.yaml');
  expect(renderRecordingRules(set, { labels: [] })).toBe(read('rules/generated/lorikeet.rules.yaml'));
  for (const path of ALERTS) expect(renderLabelledAlerts(read(path), [])).toBe(read(path));
});

const of = (cluster: string, service: string) => `cluster="${cluster}",namespace="shop",service="${service}"`;

describe('two clusters with the same services', () => {
  const score = (cluster: string, service: string, values: string) => ({
    series: `anomaly_score{${of(cluster, service)},detector="autoencoder"}`,
    values,
  });
  const cause = (cluster: string, service: string, rank: number) => [
    { series: `anomaly_root_cause_rank{${of(cluster, service)}}`, values: `${rank}x20` },
    { series: `anomaly_root_cause_score{${of(cluster, service)}}`, values: `${1 / rank - 0.1}x20` },
  ];
  /** Cart is broken in a, its database in b, where it is in maintenance. */
  const input = [
    score('a', 'cart', '4x20'),
    score('a', 'cart-db', '0.2x20'),
    score('b', 'cart', '0.3x20'),
    score('b', 'cart-db', '2x20'),
    score('c', 'cart', '5x20'),
    ...cause('a', 'cart', 1),
    ...cause('a', 'cart-db', 2),
    ...cause('b', 'cart-db', 1),
    ...cause('b', 'cart', 2),
    { series: `anomaly_maintenance{${of('c', 'cart')}}`, values: '1x20' },
    {
      series: `anomaly_feature_share{${of('a', 'cart')},detector="autoencoder",feature="cpu_cores"}`,
      values: '0.6x20',
    },
    { series: `anomaly_feature_share{${of('b', 'cart')},detector="autoencoder",feature="memory"}`, values: '0.9x20' },
  ];
  const service = (cluster: string, name: string, severity = 'warning') => ({
    exp_labels: { cluster, namespace: 'shop', service: name, severity, detector: 'autoencoder' },
  });

  function files(): string[] {
    const rules = renderRecordingRules(readFeatures('rules/features.yaml'), { labels: ['cluster'] });
    return [
      check('labelled.rules.yaml', rules),
      check('labelled.alerts.yaml', renderLabelledAlerts(read('rules/services.alerts.yaml'), ['cluster'])),
    ];
  }

  it('alert each for itself, with a root cause each', () => {
    const expected = (alertname: string, alerts: readonly { readonly exp_labels: object }[]) => ({
      expr: `max by (cluster, namespace, service, severity, detector) (ALERTS{alertname="${alertname}",alertstate="firing"})`,
      eval_time: '5m',
      exp_samples: alerts.map(({ exp_labels: labels }) => ({
        labels: `{${Object.entries(labels)
          .map(([name, value]) => `${name}="${String(value)}"`)
          .join(',')}}`,
        value: 1,
      })),
    });
    const incident = (cluster: string, severity: string) => ({
      exp_labels: { cluster, namespace: 'shop', severity },
    });
    const output = testRules(files(), [
      {
        interval: '30s',
        input_series: input,
        promql_expr_test: [
          expected('ServiceAnomalous', [service('a', 'cart'), service('b', 'cart-db')]),
          expected('ServiceSeverelyAnomalous', [service('a', 'cart', 'critical')]),
          expected('RootCauseIdentified', [
            incident('a', 'warning'),
            incident('a', 'critical'),
            incident('b', 'warning'),
          ]),
        ],
      },
    ]);
    expect(output).toContain('SUCCESS');
  });

  it('have a graph of their own', () => {
    const graph = [
      {
        series: `edge:lorikeet_feature:window{cluster="a",client_namespace="shop",client_service="cart",server_namespace="shop",server_service="cart-db",feature="request_rate"}`,
        values: '7x20',
      },
    ];
    const output = testRules(files(), [
      {
        interval: '30s',
        input_series: [...input, ...graph],
        promql_expr_test: [
          {
            expr: 'group by (cluster, id, subtitle, title) (service:lorikeet_graph:node{namespace="shop"})',
            eval_time: '5m',
            exp_samples: ['a', 'b', 'c']
              .flatMap((cluster) => (cluster === 'c' ? ['cart'] : ['cart', 'cart-db']).map((name) => [cluster, name]))
              .map(([cluster, name]) => ({
                labels: `{cluster="${cluster}",id="${cluster}/shop/${name}",subtitle="${cluster}/shop",title="${name}"}`,
                value: 1,
              })),
          },
          {
            expr: 'max by (source, target) (edge:lorikeet_graph:edge)',
            eval_time: '5m',
            exp_samples: [{ labels: '{source="a/shop/cart",target="a/shop/cart-db"}', value: 7 }],
          },
        ],
      },
    ]);
    expect(output).toContain('SUCCESS');
  });

  /** What promtool prints about the alert that there is, as none is expected. */
  function foundAlerts(alertname: string, series: readonly object[]): string {
    const path = join(folder, 'found.test.yaml');
    const alertRules = [{ eval_time: '5m', alertname, exp_alerts: [] }];
    const tests = [{ interval: '30s', input_series: series, alert_rule_test: alertRules }];
    writeFileSync(path, dump({ rule_files: files(), evaluation_interval: '30s', tests }, { noRefs: true }));
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
    return stdout + stderr;
  }

  it('name the cluster, and only what is of it, in the text of an alert', () => {
    const found = foundAlerts('ServiceSeverelyAnomalous', input);
    expect(found).toContain('a/shop/cart behaves very abnormally');
    expect(found).toContain('cpu cores (60% of the anomaly)');
    expect(found).toContain('Most probable root cause: a/shop/cart.');
    expect(found).toContain('var-cluster=a&var-namespace=shop&var-service=cart');
    expect(found).not.toMatch(/memory|b\/shop/);
  });

  it('tell the callers, the callees and the pods of the own cluster', () => {
    const call = (cluster: string, client: string, server: string, feature: string, value: number) => ({
      series: `edge:lorikeet_feature:window{cluster="${cluster}",client_namespace="shop",client_service="${client}",server_namespace="shop",server_service="${server}",feature="${feature}"}`,
      values: `${value}x20`,
    });
    const pod = (cluster: string, index: number, values: string) => ({
      series: `lorikeet_target_info{${of(cluster, 'cart')},pod="cart-${index}"}`,
      values,
    });
    const found = foundAlerts('ServiceSeverelyAnomalous', [
      ...input,
      call('a', 'front', 'cart', 'request_rate', 7),
      call('a', 'cart', 'cart-db', 'failure_rate', 3),
      call('b', 'basket', 'cart', 'request_rate', 9),
      call('b', 'cart', 'mail', 'request_rate', 9),
      ...[1, 2].map((index) => pod('a', index, '1x20')),
      ...[1, 2, 3].map((index) => pod('b', index, '1x20')),
    ]);
    expect(found).toContain('Called by shop/front (request rate 7/s).');
    expect(found).toContain('Calls shop/cart-db (failure rate 3/s).');
    expect(found).not.toMatch(/basket|mail/);
  });

  it('have their own changes, which fit their own incident', () => {
    const database = (cluster: string, replicas: string, onsetStep: number) => [
      { series: `service:lorikeet_feature:window{${of(cluster, 'cart-db')},feature="x"}`, values: '1x150' },
      {
        series: `kube_statefulset_replicas{cluster="${cluster}",namespace="shop",statefulset="cart-db"}`,
        values: replicas,
      },
      { series: `anomaly_root_cause_score{${of(cluster, 'cart-db')}}`, values: `_x${onsetStep} 1x${150 - onsetStep}` },
      score(cluster, 'cart', `0.2x${onsetStep - 1} 4x${150 - onsetStep}`),
    ];
    const output = testRules(files(), [
      {
        interval: '30s',
        input_series: [...database('a', '2x79 3x70', 100), ...database('b', '3x150', 80)],
        promql_expr_test: [
          {
            expr: 'round(anomaly_change_score, 0.01)',
            eval_time: '60m',
            exp_samples: [
              {
                labels: '{cluster="a",namespace="shop",service="cart-db",change="replicas",version="3"}',
                value: 0.67,
              },
            ],
          },
        ],
      },
    ]);
    expect(output).toContain('SUCCESS');
  });

  it('keep apart a service that is gone in one of them', () => {
    const goneInA = [
      { series: `anomaly_score{${of('a', 'cart')},detector="autoencoder"}`, values: '4x4 stale' },
      { series: `anomaly_score{${of('a', 'cart')},detector="gone"}`, values: '_x4 4x20' },
      {
        series: `anomaly_interval_start_timestamp_seconds{${of('a', 'cart')},detector="gone"}`,
        values: '_x4 150x20',
      },
      score('b', 'cart', '2x20'),
      ...cause('a', 'cart', 1),
      ...cause('b', 'cart', 1),
    ];
    const [severe, warned] = ['ServiceSeverelyAnomalous', 'ServiceAnomalous'].map((alert) =>
      foundAlerts(alert, goneInA),
    );
    expect(severe).toContain('a/shop/cart is gone');
    expect(severe).toContain('Gone since 1970-01-01 00:02:30');
    expect(severe).toMatch(/cluster="a", detector="autoencoder", namespace="shop", service="cart"/);
    expect(warned).toContain('a/shop/cart is gone');
    expect(warned).toContain('b/shop/cart behaves abnormally');
    const incident = foundAlerts('RootCauseIdentified', goneInA);
    expect(incident.match(/Gone: [^.]*/g)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^Gone: a\/shop\/cart/)]),
    );
    expect(incident).not.toContain('Gone: b');
  });
});
