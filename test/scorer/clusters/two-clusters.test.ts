import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import type { ScorerApp } from '../../../scorer/app.ts';
import { renderLabelledAlerts } from '../../../scorer/features/labelled-alerts.ts';
import type { ServiceName } from '../../../scorer/identity/service-key.ts';
import { type RunningProgram, startProgram, startPrometheus } from '../../testserver/prometheus.ts';
import { metric, ScorerBed } from '../running-scorer.ts';

/** Two clusters in one Prometheus, with services of the same names. */

const CLUSTERS = ['a', 'b "x"'] as const;
const [A, B] = CLUSTERS;
const NAMES = ['cart', 'cart-db'];
const named = (cluster: string): ServiceName[] => NAMES.map((service) => ({ namespace: 'shop', service, cluster }));
const ALL = CLUSTERS.flatMap(named);
const PLAIN = NAMES.map((service) => ({ namespace: 'shop', service }));
const EDGES = CLUSTERS.map((cluster) => {
  const [cart, db] = named(cluster);
  return [cart!, db!] as const;
});

/** Rules for a test: evaluated each second, and almost without waiting. */
function quickAlerts(): string {
  const { groups } = load(renderLabelledAlerts(readFileSync('rules/services.alerts.yaml', 'utf8'), ['cluster'])) as {
    groups: { rules: { for?: string }[] }[];
  };
  const quick = groups.map((group) => ({
    ...group,
    interval: '1s',
    rules: group.rules.map((rule) => ({ ...rule, for: '0s' })),
  }));
  return dump({ groups: quick }, { noRefs: true }).replaceAll('90s', '2s');
}

describe('two clusters in one Prometheus', { timeout: 120_000 }, () => {
  const bed = new ScorerBed();
  let folder: string;
  let url: string;
  let alertmanagerUrl: string;
  let alertmanager: RunningProgram;
  let app: ScorerApp;
  const broken = new Set<string>();
  /** The services that are there. */
  const services = [...ALL];

  const query = async (text: string) => (await bed.client(url).query(text, Date.now())).series;
  /** `cluster/service` -> value. */
  const values = async (text: string) =>
    new Map(
      (await query(text)).map(({ labels, values: of }) => [
        `${labels['cluster'] ?? ''}/${labels['service'] ?? ''}`,
        of.at(-1) ?? NaN,
      ]),
    );
  const alerts = async () => {
    const response = await fetch(`${alertmanagerUrl}/api/v2/alerts`);
    const listed = (await response.json()) as {
      labels: Record<string, string>;
      status: { state: string };
    }[];
    return listed.map(({ labels: { alertname, cluster, service, severity }, status }) =>
      [status.state, cluster, alertname, severity, service].filter(Boolean).join(' '),
    );
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-clusters-'));
    bed.onClear(() => rmSync(folder, { recursive: true, force: true }));
    const port = await freePort();
    alertmanagerUrl = `http://127.0.0.1:${port}`;
    alertmanager = await startProgram(
      'prometheus-alertmanager',
      [
        '--config.file=manifests/prometheus/alertmanager.yaml',
        `--storage.path=${join(folder, 'alertmanager')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      `${alertmanagerUrl}/-/ready`,
    );
    bed.onClear(() => alertmanager.kill());
    const rules = join(folder, 'alerts.yaml');
    writeFileSync(rules, quickAlerts());
    const targets = `[{ static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]`;
    const prometheus = await startPrometheus({
      config: `rule_files: ['${rules}']\nalerting: { alertmanagers: ${targets} }\n`,
      // An alert that fires before Prometheus knows the Alertmanager is sent again.
      flags: ['--rules.alert.resend-delay=1s'],
    });
    bed.onClear(() => prometheus.stop());
    url = prometheus.url;
    const write = `${url}/api/v1/write`;
    bed.play(write, services, {
      factor: ({ cluster = '', service }, feature) =>
        broken.has(cluster) && service === 'cart-db' && feature === 'request_latency' ? 40 : 1,
      edges: EDGES,
      edgeFactor: ([{ cluster = '' }]) => (broken.has(cluster) ? 40 : 1),
    });
    const maintenance = `maintenance: ['announced == 1']\n`;
    const extra = `identity: { labels: [cluster] }\nexternal_labels: { scorer: main, cluster: none }\n${maintenance}`;
    app = await bed.scorer(bed.configure('scorer', url, write, { extra }), ALL, { edges: EDGES });
    await app.start();
  }, 120_000);
  afterAll(() => bed.clear());

  const isBroken = (cluster: string) => async () => (await values('anomaly_score > 1')).has(`${cluster}/cart-db`);

  it('scores all services apart, with the labels of each and those of the scorer', async () => {
    const scores = await bed.until(
      'all',
      () => values('anomaly_score'),
      (seen) => seen.size === ALL.length,
    );
    expect([...scores.keys()].sort()).toEqual(ALL.map(({ cluster, service }) => `${cluster}/${service}`).sort());
    expect(await values('anomaly_score{scorer!="main"}')).toEqual(new Map());
    expect(await metric(app, 'series_rejected_total{reason="duplicate"}')).toBe(0);
  });

  it('finds a fault in one, with its cause, and is quiet about the other', async () => {
    broken.add(A);
    await bed.until('the fault', isBroken(A), Boolean);
    await bed.until(
      'its rank',
      () => values('anomaly_root_cause_rank == 1'),
      (seen) => seen.size > 0,
    );
    expect([...(await values('anomaly_root_cause_rank == 1')).keys()]).toEqual([`${A}/cart-db`]);
    const firing = await bed.until('its page', alerts, (seen) =>
      seen.includes(`active ${A} RootCauseIdentified critical`),
    );
    expect(firing.filter((alert) => alert.includes(B))).toEqual([]);
    const ever = await values('max_over_time(anomaly_score[1m]) > 1');
    expect([...ever.keys()].filter((key) => !key.startsWith(`${A}/`))).toEqual([]);
  });

  it('gives the other its own cause and page while the first is broken', async () => {
    broken.add(B);
    const ranked = await bed.until(
      'both causes',
      () => values('anomaly_root_cause_rank == 1'),
      (seen) => seen.size === 2,
    );
    expect([...ranked.keys()].sort()).toEqual([`${A}/cart-db`, `${B}/cart-db`]);
    const blame = await query('sum by (cluster) (anomaly_root_cause_score)');
    for (const { values: of } of blame) expect(of.at(-1)).toBeCloseTo(1, 6);
    const both = await bed.until('both pages', alerts, (seen) =>
      CLUSTERS.every((cluster) => seen.includes(`active ${cluster} RootCauseIdentified critical`)),
    );
    expect(both.filter((alert) => alert.startsWith('suppressed')).length).toBeGreaterThan(0);
  });

  it('silences one for maintenance, and not the other', async () => {
    const writer = bed.writer(`${url}/api/v1/write`);
    const announce = async () =>
      await writer.write([
        {
          name: 'announced',
          labels: { namespace: 'shop', service: 'cart-db', cluster: B },
          value: 1,
          timestampMs: Math.floor(Date.now() / 1000) * 1000,
        },
      ]);
    await announce();
    const marked = await bed.until(
      'maintenance',
      () => values('anomaly_maintenance'),
      (seen) => seen.size > 0,
    );
    expect([...marked.keys()]).toEqual([`${B}/cart-db`]);
    const firing = (cluster: string) => async () =>
      [...(await values('ALERTS{alertname=~"Service.*",alertstate="firing"}')).keys()].includes(`${cluster}/cart-db`);
    await bed.until('silence in b', firing(B), (seen) => !seen);
    expect(await firing(A)()).toBe(true);
  });

  it('reads one of them with matchers, as if there were no other', async () => {
    const write = `${url}/api/v1/write`;
    const matchers = JSON.stringify(`{cluster=${JSON.stringify(A)}}`);
    const config = bed.configure('one', url, write, { extra: 'external_labels: { cluster: one, scorer: other }\n' });
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('prometheus: {', `prometheus: { matchers: ${matchers},`),
    );
    broken.delete(B);
    const one = await bed.scorer(config, PLAIN);
    await one.start();
    const scores = await bed.until(
      'the scores',
      () => values('anomaly_score{scorer="other"}'),
      (seen) => seen.size === NAMES.length && (seen.get('one/cart-db') ?? 0) > 1,
    );
    expect([...scores.keys()].sort()).toEqual(['one/cart', 'one/cart-db']);
    expect(await metric(one, 'series_rejected_total{reason="duplicate"}')).toBe(0);
    await one.stop();
  });

  it('scores nothing without the label, and says why', async () => {
    const write = `${url}/api/v1/write`;
    const config = bed.configure('blind', url, write, { extra: 'external_labels: { scorer: blind }\n' });
    const blind = await bed.scorer(config, PLAIN);
    await blind.start();
    await bed.until(
      'the count',
      () => metric(blind, 'series_rejected_total{reason="duplicate"}'),
      (count) => count > 0,
    );
    await bed.until(
      'three cycles',
      () => bed.logged('series are rejected'),
      (count) => count > 0,
    );
    expect(bed.log.filter((line) => line.includes('series are rejected')).join()).toMatch(
      /reason=duplicate.*cluster=.*identity\.labels/,
    );
    await bed.until(
      'no data',
      () => metric(blind, 'services{state="no_data"}'),
      (count) => count === NAMES.length,
    );
    expect(await values('anomaly_score{scorer="blind"}')).toEqual(new Map());
    await blind.stop();
  });

  it('keeps a service that dies in one of them in its incident, and none of the other', async () => {
    const isDead = ({ cluster, service }: ServiceName) => cluster === A && service === 'cart-db';
    const [dead] = services.splice(services.findIndex(isDead), 1);
    const gone = await bed.until(
      'it is gone',
      () => values('anomaly_score{detector="gone"} > 1'),
      (seen) => seen.size > 0,
    );
    expect([...gone.keys()]).toEqual([`${A}/cart-db`]);
    await bed.until(
      'its own score has ended',
      () => values('anomaly_score{scorer="main",detector!="gone"}'),
      (seen) => seen.size > 0 && !seen.has(`${A}/cart-db`),
    );
    expect([...(await values('anomaly_root_cause_rank{scorer="main"} == 1')).keys()]).toContain(`${A}/cart-db`);
    expect(await alerts()).toContain(`active ${A} RootCauseIdentified critical`);
    broken.clear();
    services.push(dead!);
    await bed.until(
      'it is back',
      () => values('anomaly_score{detector="gone"}'),
      (seen) => seen.size === 0,
    );
  });

  it('learns the services of both, from a state directory whose services have no further labels', async () => {
    broken.clear();
    const write = `${url}/api/v1/write`;
    const extra = 'identity: { labels: [cluster] }\nexternal_labels: { scorer: grown }\n';
    const grown = await bed.scorer(bed.configure('grown', url, write, { extra }), PLAIN);
    await grown.start();
    const scored = () => metric(grown, 'services{state="scored"}');
    await bed.until('all are learned', scored, (count) => count === ALL.length, 90_000);
    expect(await metric(grown, 'model_damaged')).toBe(0);
    const scores = await bed.until(
      'their scores',
      () => values('anomaly_score{scorer="grown"}'),
      (seen) => seen.size === ALL.length,
    );
    expect([...scores.keys()].sort()).toEqual(ALL.map(({ cluster, service }) => `${cluster}/${service}`).sort());
    await grown.stop();
  });
});
