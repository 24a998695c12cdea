import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { announcedAt, announcedBetween } from '../../../scorer/announced/expressions.ts';
import { Identity } from '../../../scorer/identity/identity.ts';
import { fetchUnusualTime } from '../../../scorer/learning/history/unusual-time.ts';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { serviceKey } from '../../../scorer/identity/service-key.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { ScorerBed } from '../running-scorer.ts';

const MINUTE = 60_000;
const end = Math.floor(Date.now() / MINUTE) * MINUTE - 5 * MINUTE;
const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000 });
let prometheus: RunningPrometheus;
let client: PrometheusClient;

/**
 * One service's maintenance in the last five of twenty minutes, a namespace's in the first five, and a gauge of 0 and
 * 1.
 */
function history(): string {
  const lines = ['# TYPE window gauge'];
  const put = (labels: string, from: number, to: number, value = 1) => {
    for (let minute = from; minute <= to; minute++)
      lines.push(`window{${labels}} ${value} ${end / 1000 + minute * 60}`);
  };
  put('kind="service",namespace="shop",service="cart"', -4, 0);
  put('kind="namespace",namespace="lab"', -19, -15);
  put('kind="gauge",namespace="shop",service="ads"', -19, -1, 0);
  put('kind="gauge",namespace="shop",service="ads"', 0, 0, 1);
  put('kind="all"', -10, -10);
  const score = 'anomaly_score{namespace="shop",service="cart",detector="autoencoder"}';
  for (let minute = -7; minute <= 0; minute++) lines.push(`${score} 2 ${end / 1000 + minute * 60}`);
  return `${lines.join('\n')}\n# EOF\n`;
}

beforeAll(async () => {
  prometheus = await startPrometheus({ history: history(), flags: ['--query.lookback-delta=30s'] });
  client = new PrometheusClient({ url: prometheus.url, http });
});
afterAll(async () => {
  await http.close();
  await prometheus.stop();
});

const cart = serviceKey({ namespace: 'shop', service: 'cart' });
const ads = serviceKey({ namespace: 'shop', service: 'ads' });
const lab = serviceKey({ namespace: 'lab', service: 'anything' });

test('a series applies to a service, a namespace, or all services; 0 means no maintenance', async () => {
  const at = async (minute: number, ...expressions: string[]) => {
    const maintenance = await announcedAt(client, expressions, end + minute * MINUTE);
    return [cart, ads, lab].map((key) => maintenance.covers(key));
  };
  expect(await at(0, 'window')).toEqual([true, true, false]);
  expect(await at(-3, 'window')).toEqual([true, false, false]);
  expect(await at(-17, 'window')).toEqual([false, false, true]);
  expect(await at(-10, 'window{kind="all"}')).toEqual([true, true, true]);
  expect(await at(-17, 'window{kind="service"}', 'window{kind="namespace"}')).toEqual([false, false, true]);
  expect(await at(0)).toEqual([false, false, false]);
});

test('past maintenance is known step by step', async () => {
  const span = { fromMs: end - 19 * MINUTE, toMs: end, intervalMs: MINUTE };
  const past = await announcedBetween(client, ['window{kind!="all"}'], span);
  const minutes = (key: string) =>
    past
      .stepsOf(key)
      .map((step) => step - end / MINUTE)
      .sort((a, b) => a - b);
  expect(minutes(cart)).toEqual([-4, -3, -2, -1, 0]);
  expect(minutes(ads)).toEqual([0]);
  expect(minutes(lab)).toEqual([-19, -18, -17, -16, -15]);
});

test('what was expected while it was anomalous is learned, what was in maintenance is not', async () => {
  const span = { fromMs: end - 19 * MINUTE, toMs: end };
  const anomalous = async (maintenance: readonly string[], expressions: readonly string[]) => {
    const identity = new Identity();
    const config = { interval: MINUTE, identity, external_labels: {}, maintenance: [...maintenance] };
    const source = { client, config: { ...config, expected: { expressions: [...expressions] } } };
    const unusual = await fetchUnusualTime(source, span);
    const minutes = (steps: readonly number[] = []) => steps.map((step) => step - end / MINUTE);
    return [minutes(unusual.anomalous.get(cart)), minutes(unusual.maintenance.stepsOf(cart))].map((of) =>
      of.sort((a, b) => a - b),
    );
  };
  expect(await anomalous([], [])).toEqual([[-7, -6, -5, -4, -3, -2, -1, 0], []]);
  expect(await anomalous([], ['window{kind="service"}'])).toEqual([[-7, -6, -5], []]);
  expect(await anomalous(['window{kind="service"}'], [])).toEqual([
    [-7, -6, -5, -4, -3, -2, -1, 0],
    [-4, -3, -2, -1, 0],
  ]);
  expect(await anomalous([], ['window{kind="namespace"}'])).toEqual(await anomalous([], []));
});

test('an expression rejected by Prometheus is an error, not a silence', async () => {
  await expect(announcedAt(client, ['window{'], end)).rejects.toMatchObject({ name: 'PrometheusError' });
});

test.each([
  ['maintenance', 'maintenance: [announced == 1]\n'],
  ['expected', 'expected: { expressions: [announced == 1] }\n'],
])('the scorer marks services as %s until that ends', { timeout: 90_000 }, async (mark, extra) => {
  const bed = new ScorerBed();
  try {
    const services = [
      { namespace: 'shop', service: 'cart' },
      { namespace: 'shop', service: 'ads' },
    ];
    const write = `${prometheus.url}/api/v1/write`;
    bed.play(write, services);
    const announced = { name: 'announced', labels: { namespace: 'shop', service: 'cart' } };
    const writer = bed.writer(write);
    const announce = async (value: number) =>
      await writer.write([{ ...announced, value, timestampMs: Math.floor(Date.now() / 1000) * 1000 }]);
    await announce(1);
    const app = await bed.scorer(bed.configure('marks', prometheus.url, write, { extra }), services);
    await app.start();
    const marked = async () =>
      (await bed.client(prometheus.url).query(`anomaly_${mark}`, Date.now())).series.map(
        ({ labels }) => labels['service'],
      );
    await bed.until('the mark is written only for that service', marked, (keys) => keys.join() === 'cart');
    await announce(0);
    await bed.until('the mark ends', marked, (keys) => keys.length === 0);
  } finally {
    await bed.clear();
  }
});
