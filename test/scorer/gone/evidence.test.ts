import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { Identity } from '../../../scorer/identity/identity.ts';
import { serviceKey } from '../../../scorer/identity/service-key.ts';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { excusedAt, type SourceOfSeries } from '../../../scorer/scoring/gone/excuses.ts';
import { removedExpressions } from '../../../scorer/scoring/gone/removed.ts';
import { announcedAt } from '../../../scorer/announced/expressions.ts';
import { describeReleases } from '../../skips/describe-releases.ts';
import { describeWith } from '../../skips/describe-with.ts';
import { VICTORIA_METRICS } from '../../skips/needs.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { startVictoriaMetrics } from '../../testserver/victoria-metrics.ts';

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const MINUTE = 60_000;
const end = Math.floor(Date.now() / MINUTE) * MINUTE - 5 * MINUTE;

/** Minutes are counted back from `end`; series begin twenty minutes before it. */
class History {
  readonly #lines = new Map<string, string[]>();
  /** The cluster of what is put. */
  cluster = 'a';

  put(name: string, labels: Readonly<Record<string, string>>, value: number, { until = 0, from = -20 } = {}): void {
    const lines = this.#lines.get(name) ?? [];
    this.#lines.set(name, lines);
    const text = Object.entries({ cluster: this.cluster, namespace: 'shop', ...labels }).map(
      ([label, of]) => `${label}="${of}"`,
    );
    for (let minute = from; minute <= until; minute++)
      lines.push(`${name}{${text.join(',')}} ${value} ${(end + minute * MINUTE) / 1000}`);
  }

  render(): string {
    const families = [...this.#lines].map(([name, lines]) => `# TYPE ${name} gauge\n${lines.join('\n')}\n`);
    return `${families.join('')}# EOF\n`;
  }
}

/** Workloads as kube-state-metrics has them. Its own pod was replaced eight minutes ago. */
function kubernetes(history: History): void {
  const before = { instance: 'ksm-1', job: 'ksm' };
  const now = { instance: 'ksm-2', job: 'ksm' };
  const workload = (kind: string, name: string, deleted?: number) => {
    history.put(`kube_${kind}_created`, { [kind]: name, ...before }, 1e9, { until: Math.min(-8, deleted ?? -8) });
    if ((deleted ?? 0) > -8)
      history.put(`kube_${kind}_created`, { [kind]: name, ...now }, 1e9, { from: -7, until: deleted ?? 0 });
  };
  for (const name of ['cart', 'idle', 'crashed']) workload('deployment', name);
  workload('deployment', 'deleted', -3);
  workload('statefulset', 'db');
  workload('statefulset', 'deleted-db', -10);
  workload('daemonset', 'agent');
  workload('daemonset', 'deleted-agent', -2);
  history.put('kube_deployment_spec_replicas', { deployment: 'cart', ...now }, 3);
  history.put('kube_deployment_spec_replicas', { deployment: 'idle', ...now }, 0);
  history.put('kube_statefulset_replicas', { statefulset: 'idle-db', ...now }, 0);
}

/** Exporters on three nodes: one is scraped, one fails, one is no longer a target. */
function exporters(history: History): void {
  const on = (instance: string) => ({ job: 'lorikeet-exporter', instance });
  history.put('up', on('a'), 1);
  history.put('up', on('b'), 1, { until: -4 });
  history.put('up', on('b'), 0, { from: -3 });
  history.put('up', on('c'), 1, { until: -7 });
  const pod = (service: string, instance: string, kind = 'Deployment') =>
    history.put(
      'lorikeet_target_info',
      { service, pod: `${service}-${instance}`, workload_kind: kind, ...on(instance) },
      1,
      { until: -4 },
    );
  pod('cart', 'a');
  pod('mail', 'b');
  pod('ads', 'c');
  pod('both', 'a');
  pod('both', 'b');
  pod('report', 'a', 'CronJob');
  pod('a.b', 'b');
  pod('axb', 'a');
}

/** A cluster with the same names, in which everything runs and is scraped. */
function otherCluster(history: History): void {
  const on = (instance: string) => ({ job: 'lorikeet-exporter', instance });
  for (const deployment of ['cart', 'idle', 'deleted'])
    history.put('kube_deployment_created', { deployment, instance: 'ksm-1', job: 'ksm' }, 1e9);
  history.put('kube_deployment_spec_replicas', { deployment: 'idle', instance: 'ksm-1', job: 'ksm' }, 2);
  for (const instance of ['b', 'c']) history.put('up', on(instance), 1);
  for (const service of ['mail', 'ads', 'report'])
    history.put(
      'lorikeet_target_info',
      { service, pod: service, workload_kind: 'Deployment', ...on(service === 'ads' ? 'c' : 'b') },
      1,
    );
}

describeReleases((release) => {
  const start = async (history: History) =>
    await startPrometheus({
      program: release.prometheus,
      history: history.render(),
      flags: ['--query.lookback-delta=90s'],
    });
  testsWith(start);
});

describeWith([VICTORIA_METRICS], 'with VictoriaMetrics', () => {
  testsWith(async (history) => {
    const victoria = await startVictoriaMetrics(['-search.maxStalenessInterval=90s']);
    const body = history.render().replaceAll(/^(.*) (\d+)$/gm, '$1 $2000');
    await fetch(`${victoria.url}/api/v1/import/prometheus`, { method: 'POST', body });
    await fetch(`${victoria.url}/internal/force_flush`);
    return victoria;
  });
});

/** @param start starts a server with the history */
function testsWith(start: (history: History) => Promise<Server>): void {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000 });
  let server: Server;
  let client: PrometheusClient;

  beforeAll(async () => {
    const history = new History();
    kubernetes(history);
    exporters(history);
    history.cluster = 'b';
    otherCluster(history);
    server = await start(history);
    client = new PrometheusClient({ url: server.url, http });
  });
  afterAll(async () => {
    await http.close();
    await server?.stop();
  });

  describe.each<readonly [string, SourceOfSeries, Readonly<Record<string, string>>]>([
    ['all clusters', { identity: new Identity(['cluster']), matchers: '' }, { cluster: 'a' }],
    ['one cluster', { identity: new Identity(), matchers: 'cluster="a"' }, {}],
  ])('by a scorer of %s', (_, source, labels) => {
    const keyIn = (place: Readonly<Record<string, string>>, service: string) =>
      serviceKey({ ...place, namespace: 'shop', service });
    const key = (service: string) => keyIn(labels, service);
    const isOfAll = source.identity.labels.length > 0;

    it.each([
      ['idle', true],
      ['idle-db', true],
      ['deleted', true],
      ['deleted-db', true],
      ['deleted-agent', true],
      ['cart', false],
      ['crashed', false],
      ['db', false],
      ['agent', false],
      ['elsewhere', false],
    ])('%s was removed on purpose: %s', async (service, removed) => {
      const scopes = await announcedAt(client, removedExpressions(source), end, source.identity);
      expect(scopes.covers(key(service))).toBe(removed);
      if (isOfAll) expect(scopes.covers(keyIn({ cluster: 'b' }, service))).toBe(false);
    });

    it('excuses services whose exporters are not scraped, and jobs', async () => {
      const names = ['cart', 'mail', 'ads', 'both', 'report', 'a.b', 'axb', 'unknown'];
      const others = isOfAll ? names.map((name) => keyIn({ cluster: 'b' }, name)) : [];
      const services = [...names.map(key), ...others];
      const excused = await excusedAt(client, services, end, source);
      expect([...excused].sort()).toEqual(['a.b', 'ads', 'mail', 'report'].map(key).sort());
      const many = [...services, ...Array.from({ length: 300 }, (__, index) => key(`other-${index}`))];
      expect(await excusedAt(client, many, end, source)).toEqual(excused);
      expect(await excusedAt(client, services, end - 10 * MINUTE, source)).toEqual(new Set([key('report')]));
    });
  });
}
