import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ScorerApp } from '../../../scorer/app.ts';
import { readScorerConfig } from '../../../scorer/config.ts';
import { TimingWatch } from '../../../scorer/cycle/timing-watch.ts';
import { ScorerMetrics } from '../../../scorer/metrics.ts';
import { serve } from '../../testserver/http.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { startProxy } from '../../testserver/proxy.ts';
import { byService, metric, type PlayOptions, ScorerBed, trueTime } from '../running-scorer.ts';

/** Features that come late, rules and scrapes that are too slow, and clocks that differ, on a real Prometheus. */

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));
/** Cart's requests take ten times as long. */
const SLOW_CART: PlayOptions = {
  factor: ({ service }, feature) => (service === 'cart' && feature === 'request_latency' ? 10 : 1),
};
vi.setConfig({ testTimeout: 90_000 });

let bed: ScorerBed;
afterEach(async () => {
  vi.restoreAllMocks();
  await bed.clear();
});

async function startBed(options: PlayOptions): Promise<string> {
  bed = new ScorerBed();
  const prometheus = await startPrometheus();
  bed.onClear(() => prometheus.stop());
  bed.play(`${prometheus.url}/api/v1/write`, SERVICES, options);
  return prometheus.url;
}

/** A started scorer that has learned the services. */
async function startScorer(url: string, delay: string): Promise<ScorerApp> {
  const app = await bed.scorer(bed.configure('late', url, `${url}/api/v1/write`, { delay }), SERVICES);
  await app.start();
  return app;
}

const scoresAt = async (url: string) =>
  byService((await bed.client(url).query('anomaly_score', trueTime() + 1000)).series);
const isFound = (scores: ReadonlyMap<string, number>) =>
  scores.size === SERVICES.length && (scores.get('cart') ?? 0) > 1 && (scores.get('payment') ?? 9) < 1;

describe('features that come late', () => {
  it.each([
    ['all of them', () => 2400, 2.4],
    ['one slow rule', (feature: string) => (feature === 'request_latency' ? 900 : 0), 0.9],
  ])('are waited for: %s', async (_, latenessMs, seconds) => {
    const url = await startBed({ ...SLOW_CART, latenessMs });
    const app = await startScorer(url, 'found');
    const delay = await bed.until(
      'the delay is raised',
      () => metric(app, 'delay_seconds'),
      (found) => found >= seconds,
    );
    expect(delay).toBeLessThan(seconds + 2);
    await bed.until('the slow service is found', () => scoresAt(url), isFound);
    expect(bed.logged('cycles wait for features')).toBe(1);
    expect(bed.log.find((line) => line.includes('features come late, waiting longer for them'))).toMatch(
      /lateness_seconds=[\d.]+ delay_seconds=[\d.]+/,
    );
    await bed.until(
      'nothing is late any more',
      () => metric(app, 'feature_lateness_seconds'),
      (late) => late === 0,
    );
  });

  it('are reported once with the delay that would do, where a delay is configured', async () => {
    const url = await startBed({ ...SLOW_CART, latenessMs: () => 2400 });
    const app = await startScorer(url, '300ms');
    const message = 'features come later than the configured delay';
    await bed.until(
      'it is logged',
      () => bed.logged(message),
      (count) => count === 1,
    );
    expect(bed.log.find((line) => line.includes(message))).toMatch(/delay_seconds=0\.3 sufficient_delay=[23]s/);
    expect(await metric(app, 'delay_seconds')).toBe(0.3);
    expect(await metric(app, 'sufficient_delay_seconds')).toBeGreaterThanOrEqual(2.4);
    expect(await metric(app, 'feature_lateness_seconds')).toBeGreaterThan(1);
    const reported = await metric(app, 'last_cycle_timestamp_seconds');
    await bed.until(
      'further cycles',
      () => metric(app, 'last_cycle_timestamp_seconds'),
      (seconds) => seconds > reported + 6,
    );
    expect(bed.logged(message)).toBe(1);
  });

  it('are in time with a configured delay longer than the interval', async () => {
    const url = await startBed({ ...SLOW_CART, latenessMs: () => 2400 });
    const app = await startScorer(url, '3s');
    await bed.until('the slow service is found', () => scoresAt(url), isFound);
    expect(await metric(app, 'feature_lateness_seconds')).toBe(0);
    // A busy machine may skip a cycle.
    const isOfTiming = (line: string) => line.includes('level=warn') && !line.includes('msg="cycles skipped"');
    expect(bed.log.filter(isOfTiming)).toEqual([]);
  });
});

it.each([7, -7])('a clock that is %d s off is reported once, and the score comes all the same', async (seconds) => {
  const url = await startBed(SLOW_CART);
  vi.spyOn(Date, 'now').mockImplementation(() => trueTime() + seconds * 1000);
  const app = await startScorer(url, 'found');
  await bed.until('the slow service is found', () => scoresAt(url), isFound);
  const skew = await metric(app, 'clock_skew_seconds');
  expect(Math.abs(skew + seconds)).toBeLessThan(1.5);
  expect(bed.logged('the clocks of scorer and Prometheus differ')).toBe(1);
});

it('rules that are evaluated less often than the scorer runs are reported', async () => {
  bed = new ScorerBed();
  const rules = join(bed.folder, 'rules.yaml');
  const rule = (channel: string) =>
    `{ record: 'service:lorikeet_feature:window', expr: 'vector(1)', labels: { namespace: shop, service: cart, feature: request_rate, channel: ${channel} } }`;
  writeFileSync(rules, `groups: [{ name: slow, interval: 3s, rules: [${['red', 'green', 'blue'].map(rule).join()}] }]`);
  const prometheus = await startPrometheus({ config: `rule_files: ['${rules}']\n` });
  bed.onClear(() => prometheus.stop());
  const app = await startScorer(prometheus.url, '300ms');
  const message = 'rules are evaluated less often than the scorer runs, so steps have no features';
  await bed.until(
    'it is logged',
    () => bed.logged(message),
    (count) => count === 1,
  );
  expect(bed.log.find((line) => line.includes(message))).toMatch(/rule_interval=3s interval=1s/);
  expect(await metric(app, 'rule_interval_seconds')).toBe(3);
});

it('windows that are too short for the scrape interval are reported, with what to do', async () => {
  bed = new ScorerBed();
  const target = await serve((_, response) => response.end(`m_total ${Date.now()}\ne_total 1\n`));
  bed.onClear(() => target.stop());
  const prometheus = await startPrometheus({
    config: `scrape_configs:
  - { job_name: app, scrape_interval: 2s, scrape_timeout: 1s, static_configs: [{ targets: ['${new URL(target.url).host}'] }] }
`,
  });
  bed.onClear(() => prometheus.stop());
  const path = bed.configure('windows', prometheus.url, `${prometheus.url}/api/v1/write`);
  writeFileSync(
    join(bed.folder, 'features.yaml'),
    `windows: [1s, 5s, 10s]
features:
  - { name: request_rate, expr: 'sum by (namespace, service) (rate(m_total[$window]))', scale: log }
edges: [{ name: request_rate, expr: 'rate(e_total[$window])', scale: log }]
`,
  );
  const client = bed.client(prometheus.url);
  await bed.until(
    'two scrapes',
    async () => (await client.query('count_over_time(m_total[1m])', trueTime())).series[0]?.values[0] ?? 0,
    (count) => count >= 3,
  );
  const app = bed.blankScorer(path, 'features.yaml');
  await app.start();
  const message = 'a window is too short for the scrape interval, so its features have no values';
  await bed.until(
    'it is logged',
    () => bed.logged(message),
    (count) => count === 1,
  );
  expect(bed.log.find((line) => line.includes(message))).toMatch(
    /window=1s scrape_interval=2s features=1 for_example=request_rate edges_and_instances=true fix="scrape at least every 250ms, or set windows: \[8s, 40s, 1m20s\]/,
  );
  expect(await metric(app, 'empty_window_features{window="1s"}')).toBe(1);
  expect(await metric(app, 'empty_window_features{window="5s"}')).toBe(0);
  expect(await metric(app, 'scrape_interval_seconds')).toBe(2);
});

it('a window that is too short is reported until scrapes are closer together, and looked at sooner', async () => {
  bed = new ScorerBed();
  const now = Math.floor(trueTime() / 1000);
  const every = (seconds: number, from: number, to: number) =>
    Array.from({ length: (to - from) / seconds }, (_, at) => `m{service="cart"} 1 ${now + from + at * seconds}\n`);
  const scrapes = [...every(30, -600, -300), ...every(0.25, -300, 0)];
  const prometheus = await startPrometheus({ history: `${scrapes.join('')}# EOF\n` });
  bed.onClear(() => prometheus.stop());
  const { url } = prometheus;
  const config = readScorerConfig(bed.configure('windows', url, `${url}/api/v1/write`));
  const metrics = new ScorerMetrics();
  const watch = new TimingWatch({ config, set: bed.set, client: bed.client(url), logger: bed.logger, metrics });
  const emptyAt = async (seconds: number) => {
    watch.lookAtWindows((now + seconds) * 1000);
    await watch.settled();
    return (await metrics.emptyWindows.get()).values.map(({ value }) => value);
  };
  expect(await emptyAt(-310)).toEqual([3, 3, 3]);
  expect(bed.logged('a window is too short for the scrape interval, so its features have no values')).toBe(3);
  expect(await emptyAt(-20)).toEqual([3, 3, 3]);
  expect(await emptyAt(-5)).toEqual([0, 0, 0]);
  expect(bed.logged('a window is long enough for the scrape interval again')).toBe(3);
});

it('profiles of another interval stay in use, and are reported', async () => {
  const url = await startBed(SLOW_CART);
  const before = bed.configure('state', url, `${url}/api/v1/write`);
  await bed.scorer(before, SERVICES);
  const path = bed.configure('other', url, `${url}/api/v1/write`, { interval: '2s', stateDir: 'state' });
  const app = bed.blankScorer(path);
  await app.start();
  expect(bed.log.find((line) => line.includes('profiles were learned with other settings'))).toMatch(
    /setting=interval reason="learned at another interval; used until learned again" services=3/,
  );
  expect(await metric(app, 'unfit_profiles{setting="interval"}')).toBe(3);
  await bed.until('the slow service is found', () => scoresAt(url), isFound, 15_000);
});

it('both Prometheus of an HA pair get the scores that they scrape, whichever one was asked', async () => {
  bed = new ScorerBed();
  const scorer = { host: '127.0.0.1:1' };
  const sd = join(bed.folder, 'scorer.json');
  const publish = () => writeFileSync(sd, JSON.stringify([{ targets: [scorer.host] }]));
  publish();
  const config = `scrape_configs:
  - { job_name: lorikeet-scorer, honor_labels: true, scrape_interval: 1s, scrape_timeout: 1s, file_sd_configs: [{ files: ['${sd}'], refresh_interval: 1s }] }
`;
  const [one, two] = [await startPrometheus({ config }), await startPrometheus({ config })];
  for (const prometheus of [one, two]) {
    bed.onClear(() => prometheus.stop());
    bed.play(`${prometheus.url}/api/v1/write`, SERVICES, SLOW_CART);
  }
  const balanced = await startProxy(one.url, two.url);
  bed.onClear(() => balanced.stop());
  const path = bed.configure('pair', balanced.url, '', { output: 'metrics' });
  const app = await bed.scorer(path, SERVICES);
  scorer.host = await app.start();
  publish();
  for (const { url } of [one, two]) await bed.until(`scores on ${url}`, () => scoresAt(url), isFound);
  await one.crash();
  await one.restart();
  for (const { url } of [one, two]) await bed.until(`scores on ${url} again`, () => scoresAt(url), isFound);
});
