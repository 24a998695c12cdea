import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { SERVICE_SERIES, VERSION_SERIES } from '../../scorer/features/features.ts';
import type { Sample } from '../../scorer/output/remote-write/sample.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { INTERVAL_START_SERIES, VERSION_SCORE_SERIES } from '../../scorer/series.ts';
import type { Dashboard, Panel } from '../../scripts/preview/dashboard.ts';
import { DashboardView } from '../../scripts/preview/grafana.ts';
import { readDashboards } from '../../scripts/preview/read-dashboards.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';

const START_MS = 120_000;

/** What the detectors would have written: cart is anomalous to two of them, one of its pods differs, mail is anomalous to one. */
function samples(timestampMs: number): Sample[] {
  const cart = { namespace: 'shop', service: 'cart' };
  const pod = (name: string) => ({ ...cart, detector: 'instance_outlier', pod: name });
  const info = (name: string, version: string) => ({ namespace: 'shop', pod: name, version });
  const event = { kind: 'missing_call', event: 'end', expected: 'cart > db' };
  const at = (name: string, labels: Sample['labels'], value: number) => ({ name, labels, value, timestampMs });
  return [
    at(SERVICE_SERIES, { ...cart, feature: 'request_rate', channel: 'red' }, 10),
    at('anomaly_score', { ...cart, detector: 'autoencoder' }, 2),
    at('anomaly_score', { ...cart, detector: 'gru_vae' }, 0.5),
    at('anomaly_score', { ...cart, detector: 'gru_vae', endpoint: 'GET /cart' }, 1.5),
    at('anomaly_score', { ...cart, detector: 'agreement' }, 1.5),
    at('anomaly_score', pod('cart-1'), 3),
    at('anomaly_score', pod('cart-2'), 0.5),
    at('anomaly_score', { namespace: 'shop', service: 'mail', detector: 'gru_vae' }, 4),
    at('anomaly_score', { namespace: 'shop', service: 'calm', detector: 'gru_vae' }, 0.5),
    at('anomaly_feature_share', { ...cart, detector: 'autoencoder', feature: 'cpu_cores' }, 0.75),
    at('anomaly_feature_share', { ...pod('cart-1'), feature: 'memory_bytes' }, 0.5),
    at(VERSION_SCORE_SERIES, { ...cart, version: 'b2' }, 1.5),
    at(VERSION_SERIES, info('cart-1', 'b2'), 1),
    at(VERSION_SERIES, info('cart-2', 'a1'), 1),
    at('anomaly_pattern', { ...cart, pattern: 'incremental', direction: 'up' }, 1),
    at(INTERVAL_START_SERIES, { ...cart, detector: 'gru_vae', endpoint: 'GET /cart' }, (timestampMs - START_MS) / 1000),
    at('anomaly_unexpected_event', { ...cart, ...event }, 0.25),
  ];
}

let prometheus: RunningPrometheus;
let end: number;
const view = async (uid: Dashboard['uid'], detector: string): Promise<DashboardView> => {
  const dashboard = readDashboards().find((one) => one.uid === uid);
  if (dashboard === undefined) throw new Error(`there is no ${uid}`);
  const chosen = { namespace: 'shop', service: 'cart', detector };
  return DashboardView.open(dashboard, { prometheusUrl: prometheus.url, end, span: 60, scrapeInterval: 1, chosen });
};

const panelOf = ({ dashboard }: DashboardView, title: string): Panel => {
  const panel = dashboard.panels.find((one) => one.title === title);
  if (panel === undefined) throw new Error(`there is no panel ${title}`);
  return panel;
};

/** The rows of a table by their headers. */
async function rowsOf(of: DashboardView, title: string): Promise<Record<string, unknown>[]> {
  const [frame] = await of.frames(panelOf(of, title));
  return Array.from({ length: frame?.length ?? 0 }, (_, row) =>
    Object.fromEntries(
      (frame?.fields ?? []).map(({ name, config, values }) => [config.displayName ?? name, values[row]]),
    ),
  );
}

/** The last value of each line, by its labels' values. */
async function linesOf(of: DashboardView, title: string): Promise<Record<string, number | undefined>> {
  const lines: Record<string, number | undefined> = {};
  for (const target of panelOf(of, title).targets ?? []) {
    for (const { labels, points } of await of.series(target)) {
      lines[Object.values(labels).sort().join(' ')] = points.at(-1)?.[1];
    }
  }
  return lines;
}

beforeAll(async () => {
  prometheus = await startPrometheus({ config: '' });
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 10_000 });
  const writer = new RemoteWriter({
    url: `${prometheus.url}/api/v1/write`,
    http,
    logger: createLogger({ write: () => undefined }),
  });
  const now = Math.floor(Date.now() / 1000) * 1000;
  await writer.write(samples(now));
  await writer.close();
  await http.close();
  end = now / 1000;
}, 60_000);

afterAll(() => prometheus?.stop());

describe('the overview with several detectors', () => {
  it('shows which detectors agree on a service, with the scores of pods and endpoints', async () => {
    const rows = await rowsOf(await view('lorikeet-overview', 'autoencoder'), 'Detectors');
    expect(rows).toHaveLength(2);
    expect(rows.find(({ Service }) => Service === 'cart')).toMatchObject({
      'Above 1': 3,
      autoencoder: 2,
      gru_vae: 1.5,
      instance_outlier: 3,
      agreement: 1.5,
    });
    expect(rows.find(({ Service }) => Service === 'mail')).toMatchObject({ 'Above 1': 1, gru_vae: 4 });
  });

  it.each([
    ['autoencoder', { cart: 2 }],
    ['gru_vae', { cart: 1.5, mail: 4 }],
    ['instance_outlier', { cart: 3 }],
  ])('lists the anomalies that %s finds', async (detector, scores) => {
    const rows = await rowsOf(await view('lorikeet-overview', detector), 'Anomalies');
    expect(Object.fromEntries(rows.map(({ Service, Score }) => [Service, Score]))).toEqual(scores);
  });

  it('begins with the autoencoder', async () => {
    const overview = await view('lorikeet-overview', 'none of these');
    expect(overview.fill('$detector')).toBe('autoencoder');
  });
});

describe('a service with several detectors', () => {
  it('has the score and the signals of the chosen one', async () => {
    const service = await view('lorikeet-service', 'instance_outlier');
    expect(await linesOf(service, 'Score')).toEqual({ '': 3 });
    expect(await linesOf(service, 'Signals behind the anomaly')).toEqual({ memory_bytes: 0.5 });
    expect(await linesOf(service, 'Anomaly score')).toEqual({
      agreement: 1.5,
      autoencoder: 2,
      gru_vae: 1.5,
      instance_outlier: 3,
    });
  });

  it('has scores by pod, by version and by endpoint, and the unexpected events', async () => {
    const service = await view('lorikeet-service', 'autoencoder');
    expect(await linesOf(service, 'Score by pod')).toEqual({
      'cart-1 instance_outlier': 3,
      'cart-2 instance_outlier': 0.5,
    });
    expect(await linesOf(service, 'Score by version')).toEqual({ b2: 1.5 });
    expect(await linesOf(service, 'Score by endpoint')).toEqual({ 'GET /cart gru_vae': 1.5 });
    const pods = await rowsOf(service, 'Pods');
    expect(pods).toHaveLength(2);
    expect(pods.find(({ Pod }) => Pod === 'cart-1')).toMatchObject({ Version: 'b2', 'Instance outlier': 3 });
    expect(await rowsOf(service, 'Unexpected events')).toMatchObject([
      { Kind: 'missing_call', Event: 'end', Expected: 'cart > db', 'Share of requests': 0.25 },
    ]);
  });

  it('marks the interval of an anomaly, its first window and its shape', async () => {
    const service = await view('lorikeet-service', 'gru_vae');
    const marked = async (name: string) => {
      const annotation = service.dashboard.annotations.list.find((one) => one.name === name);
      if (annotation === undefined) throw new Error(`there is no annotation ${name}`);
      return service.annotation(annotation);
    };
    expect(await marked('Anomalies')).toMatchObject([{ labels: { endpoint: 'GET /cart' } }]);
    const [first] = await marked('First anomalous window');
    expect(first?.points.at(-1)?.[1]).toBe(1000 * end - START_MS);
    expect(await marked('Patterns')).toMatchObject([{ labels: { pattern: 'incremental', direction: 'up' } }]);
  });
});
