import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { VICTORIA_METRICS } from '../skips/needs.ts';
import { startProxy, type Proxy } from '../testserver/proxy.ts';
import { startVictoriaMetrics } from '../testserver/victoria-metrics.ts';
import { byService, featureSamples, metric, ScorerBed } from './running-scorer.ts';

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));

/** Written samples are visible to queries after one or two seconds. */
const DELAY = '2500ms';
vi.setConfig({ testTimeout: 120_000 });

describeWith([VICTORIA_METRICS], 'the scorer against VictoriaMetrics', () => {
  const bed = new ScorerBed();
  let url: string;
  let proxy: Proxy;

  beforeAll(async () => {
    const victoria = await startVictoriaMetrics();
    bed.onClear(() => victoria.stop());
    url = victoria.url;
    proxy = await startProxy(url);
    bed.onClear(() => proxy.stop());
    bed.play(`${url}/api/v1/write`, SERVICES, { factor: ({ service }) => (service === 'cart' ? 8 : 1) });
  });
  afterAll(() => bed.clear());

  it('returns samples as written, without those at the start of a range', async () => {
    const at = Math.floor(Date.now() / 1000) * 1000 - 200_000;
    const writer = bed.writer(`${url}/api/v1/write`);
    const written = [0, 30_000, 60_000, 90_000].flatMap((after) =>
      featureSamples([{ namespace: 'old', service: 'mail' }], at + after).slice(0, 1),
    );
    expect(await writer.write(written)).toMatchObject({ accepted: 4, dropped: {} });
    const selector = `${written[0]?.name ?? ''}{namespace="old"}`;
    const fetched = await bed.until(
      'the samples are visible',
      async () => (await bed.client(url).samples(selector, at, at + 90_000)).series,
      (series) => series.length === 1 && series[0]?.timestamps.length === 3,
    );
    expect([...(fetched[0]?.timestamps ?? [])].map((time) => time - at)).toEqual([30_000, 60_000, 90_000]);
    // It stores twelve decimal digits.
    for (const [index, value] of (fetched[0]?.values ?? []).entries()) {
      expect(value).toBeCloseTo(written[index + 1]?.value ?? NaN, 10);
    }
    expect(fetched[0]?.labels).toMatchObject({ namespace: 'old', service: 'mail' });
  });

  it('scores with both APIs, two queries per cycle, with the tenant in each request', async () => {
    const configFile = bed.configure('tenant', proxy.url, `${proxy.url}/api/v1/write`, {
      delay: DELAY,
      tenants: ['one', 'two'],
    });
    const app = await bed.scorer(configFile, SERVICES);
    await app.start();
    const scores = await bed.until(
      'all are scored',
      // Raw samples: an instant query does not return the newest 30 seconds (-search.latencyOffset).
      async () => byService((await bed.client(url).samples('anomaly_score', Date.now() - 5000, Date.now())).series),
      (seen) => seen.size === 3 && (seen.get('cart') ?? 0) > 1,
    );
    expect(scores.get('payment')).toBeLessThan(scores.get('cart') ?? 0);
    expect(proxy.headers.get('/api/v1/query')?.['x-scope-orgid']).toBe('one');
    expect(proxy.headers.get('/api/v1/write')?.['x-scope-orgid']).toBe('two');
    // Without the examinations of the server: they end when instant queries have a feature, after 30 s.
    await bed.until(
      'the scorer is content',
      async () => await app.metrics.registry.metrics(),
      (text) => !text.includes('lorikeet_scorer_problem{') && text.includes('samples_written_total'),
      60_000,
    );
    proxy.reset();
    await bed.until(
      'a cycle',
      () => proxy.requests.get('/api/v1/write') ?? 0,
      (count) => count > 1,
    );
    expect([...proxy.requests.keys()].sort()).toEqual(['/api/v1/query', '/api/v1/write']);
    await app.stop();
  });

  it('queries one feature at a time if all series at once are rejected', async () => {
    const small = await startVictoriaMetrics(['-search.maxUniqueTimeseries=10']);
    bed.onClear(() => small.stop());
    const limited = await startProxy(small.url);
    bed.onClear(() => limited.stop());
    bed.play(`${small.url}/api/v1/write`, SERVICES);
    const app = await bed.scorer(
      bed.configure('split', limited.url, `${small.url}/api/v1/write`, { delay: DELAY }),
      SERVICES,
    );
    await app.start();
    await bed.until(
      'all are scored',
      () => metric(app, 'services{state="scored"}'),
      (scored) => scored === 3,
    );
    expect(await metric(app, 'query_failures_total{code="EXECUTION"}')).toBe(0);
    await app.stop();
  });
});
