import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { parseFeatures } from '../../../scorer/features/features.ts';
import { fetchFleet, fetchGroups, listServices } from '../../../scorer/fleet/past.ts';
import { Identity } from '../../../scorer/identity/identity.ts';
import { serviceKey } from '../../../scorer/identity/service-key.ts';
import { fetchUnusualTime } from '../../../scorer/learning/history/unusual-time.ts';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';

/** The history of two clusters with services of the same names, as training and backtests fetch it. */

const MINUTE = 60_000;
const end = Math.floor(Date.now() / MINUTE) * MINUTE - 5 * MINUTE;
const span = { fromMs: end - 9 * MINUTE, toMs: end };
const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000 });
const CLUSTERS = ['a', 'b{"}\\'];
const set = parseFeatures(
  'features.yaml',
  `windows: [1m, 5m, 15m]
features: [{ name: cpu, expr: 'c[$window]', scale: log }]
edges: [{ name: rate, expr: 'e[$window]', scale: log }]
`,
);
let prometheus: RunningPrometheus;
let client: PrometheusClient;

/** A service of each cluster with a constant of its own, the edge to its database, and scores by two scorers. */
function history(): string {
  const lines: string[] = [];
  const put = (series: string, value: number) => {
    for (let minute = -9; minute <= 0; minute++) lines.push(`${series} ${value} ${end / 1000 + minute * 60}`);
  };
  const of = (cluster: string) => `cluster="${cluster.replaceAll(/[\\"]/g, '\\$&')}"`;
  for (const [index, cluster] of CLUSTERS.entries()) {
    const labels = `${of(cluster)},namespace="shop",service="cart"`;
    put(`service:lorikeet_feature:window{${labels},feature="cpu",channel="red"}`, index + 1);
  }
  for (const [index, cluster] of CLUSTERS.entries()) {
    const ends = 'client_namespace="shop",client_service="cart",server_namespace="shop",server_service="db"';
    put(`edge:lorikeet_feature:window{${of(cluster)},${ends},feature="rate"}`, index + 1);
  }
  const score = (cluster: string, scorer: string) =>
    `anomaly_score{${of(cluster)},namespace="shop",service="cart",detector="autoencoder",scorer="${scorer}"}`;
  put(score('a', 'mine'), 2);
  put(score(CLUSTERS[1]!, 'mine'), 0.5);
  put(score(CLUSTERS[1]!, 'other'), 5);
  return `${lines.join('\n')}\n# EOF\n`;
}

beforeAll(async () => {
  prometheus = await startPrometheus({ history: history() });
  client = new PrometheusClient({ url: prometheus.url, http });
});
afterAll(async () => {
  await http.close();
  await prometheus.stop();
});

const sourceOf = (labels: readonly string[], matchers = '') => ({
  client,
  set,
  config: {
    interval: MINUTE,
    steps: [0],
    shard: { index: 0, count: 1 },
    identity: new Identity(labels),
    prometheus: { matchers },
    maintenance: [],
    expected: { expressions: [] },
    external_labels: { scorer: 'mine' },
  },
});
const key = (cluster: string) => serviceKey({ namespace: 'shop', service: 'cart', cluster });
const step = end / MINUTE;

test('is apart by the labels of the identity, as a whole and in groups', async () => {
  const source = sourceOf(['cluster']);
  const keys = await listServices(source, span);
  expect(keys).toEqual(CLUSTERS.map(key).sort());
  const whole = await fetchFleet(source, span);
  for await (const { fleet } of fetchGroups(source, span, keys)) {
    for (const [index, cluster] of CLUSTERS.entries()) {
      expect(fleet.services.get(key(cluster))?.get(step, 0)).toBe(index + 1);
      expect(whole.services.get(key(cluster))?.get(step, 0)).toBe(index + 1);
    }
    expect(new Set([...fleet.edges.values()].map((edge) => edge.get(step, 0)))).toEqual(new Set([1, 2]));
    expect(fleet.rejected.take()).toEqual([]);
  }
  // One of them alone, although the other has the same name.
  for await (const { fleet } of fetchGroups(source, span, [key(CLUSTERS[1]!)])) {
    expect([...fleet.services.keys()]).toEqual([key(CLUSTERS[1]!)]);
    expect(fleet.edges.size).toBe(1);
  }
});

test('is that of one cluster with matchers', async () => {
  const source = sourceOf([], 'cluster="a"');
  expect(await listServices(source, span)).toEqual(['["shop","cart"]']);
  const fleet = await fetchFleet(source, span);
  expect(fleet.services.get('["shop","cart"]')?.get(step, 0)).toBe(1);
  expect(fleet.rejected.take()).toEqual([]);
});

test('is nothing to learn from where two services have one name, and says so', async () => {
  const rejected: string[] = [];
  const source = { ...sourceOf([]), onRejected: (reason: string) => void rejected.push(reason) };
  const fleet = await fetchFleet(source, span);
  expect(fleet.services.get('["shop","cart"]')?.observed(step)).toBe(0);
  expect(rejected).toEqual(['duplicate']);
});

test('is unusual by the own scores of each cluster', async () => {
  const { anomalous } = await fetchUnusualTime(sourceOf(['cluster']), span);
  expect([...anomalous.keys()]).toEqual([key('a')]);
  expect(anomalous.get(key('a'))).toHaveLength(10);
});
