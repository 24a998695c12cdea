import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpClient, httpClientSchema, type HttpClientOptions } from '../../daemon/http-client/client.ts';
import { PrometheusClient, type RangeSeries } from '../../scorer/prometheus/client.ts';
import { serve, type RunningServer } from '../testserver/http.ts';
import { freePort } from '../../scripts/free-port.ts';
import { describeReleases } from '../skips/describe-releases.ts';
import { describeWith } from '../skips/describe-with.ts';
import { CURRENT_PROMETHEUS } from '../skips/needs.ts';
import { currentRelease } from '../testserver/prometheus-releases.ts';
import { startPrometheus, type RunningPrometheus } from '../testserver/prometheus.ts';

// A whole minute some minutes ago, so that the tests do not depend on the current time.
const end = Math.floor(Date.now() / 60_000) * 60_000 - 300_000;
const stops: (() => Promise<void>)[] = [];
let prometheus: RunningPrometheus;

/** Series every ten seconds over ten minutes; `stopped` has none in the last thirty seconds. */
function history(): string {
  const lines = ['# TYPE f gauge'];
  for (const [name, last] of [
    ['stopped', end - 30_000],
    ['live', end],
  ] as const) {
    for (let time = end - 600_000; time <= last; time += 10_000)
      lines.push(`f{s="${name}"} ${time / 1000}`.concat(` ${time / 1000}`));
  }
  lines.push('# TYPE odd gauge');
  for (const value of ['NaN', '+Inf', '-Inf', '1e-300']) lines.push(`odd{v="${value}"} ${value} ${end / 1000}`);
  return `${lines.join('\n')}\n# EOF\n`;
}

function client(url: string, options: Partial<HttpClientOptions> & { readonly maxPointsPerSeries?: number } = {}) {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000, ...options });
  stops.push(() => http.close());
  return new PrometheusClient({
    url,
    http,
    ...(options.maxPointsPerSeries !== undefined && { maxPointsPerSeries: options.maxPointsPerSeries }),
  });
}

async function answering(status: number, body: string, headers = {}): Promise<string> {
  const server: RunningServer = await serve((_request, response) => response.writeHead(status, headers).end(body));
  stops.push(() => server.stop());
  return server.url;
}

const plain = (series: readonly RangeSeries[]) =>
  Object.fromEntries(
    series.map(({ labels, timestamps, values }) => [
      labels['s'] ?? labels['v'] ?? '',
      { timestamps: [...timestamps], values: [...values] },
    ]),
  );
const every = (from: number, to: number, step: number) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

describeReleases((release) => {
  beforeAll(async () => {
    const server = await startPrometheus({
      program: release.prometheus,
      history: history(),
      flags: ['--query.max-samples=150'],
    });
    stops.push(() => server.stop());
    prometheus = server;
  });
  test('a range query returns times in milliseconds and values', async () => {
    const { series, warnings } = await client(`${prometheus.url}/`).queryRange(
      'f{s="live"}',
      end - 20_000,
      end,
      10_000,
    );
    expect(series).toHaveLength(1);
    expect(series[0]?.labels).toEqual({ __name__: 'f', s: 'live' });
    expect(plain(series)['live']).toEqual({
      timestamps: [end - 20_000, end - 10_000, end],
      values: [end / 1000 - 20, end / 1000 - 10, end / 1000],
    });
    expect(warnings).toEqual([]);
  });

  test('NaN and infinities are unchanged', async () => {
    const { series } = await client(prometheus.url).query('odd', end);
    const values = Object.fromEntries(
      Object.entries(plain(series)).map(
        ([
          name,
          {
            values: [value],
          },
        ]) => [name, value],
      ),
    );
    expect(values).toEqual({ NaN: Number.NaN, '+Inf': Infinity, '-Inf': -Infinity, '1e-300': 1e-300 });
  });

  test('samples show that a series has stopped, unlike a range query', async () => {
    const prom = client(prometheus.url);
    const raw = plain((await prom.samples('f', end - 40_000, end)).series);
    expect(raw['live']?.timestamps).toEqual([end - 30_000, end - 20_000, end - 10_000, end]);
    expect(raw['stopped']?.timestamps).toEqual([end - 30_000]);
    expect(Object.keys(plain((await prom.samples('f', end - 30_000, end)).series))).toEqual(['live']);

    const looked = plain((await prom.queryRange('f', end, end, 10_000)).series);
    expect(looked['stopped']).toEqual({ timestamps: [end], values: [end / 1000 - 30] });
    const bounded = plain((await prom.queryRange('last_over_time(f[15s])', end, end, 10_000)).series);
    expect(Object.keys(bounded)).toEqual(['live']);
  });

  test('a range with more points than the server allows is fetched in parts', async () => {
    const limited = client(prometheus.url, { maxPointsPerSeries: 7 });
    const { series } = await limited.queryRange('f{s="live"}', end - 600_000, end, 10_000);
    expect(plain(series)['live']?.timestamps).toEqual(every(end - 600_000, end, 10_000));
    // Over Prometheus' own limit: 13,000 steps, all but the last 601 before the series began.
    const { series: long } = await client(prometheus.url).queryRange('f{s="live"}', end - 12_999_000, end, 1000);
    expect(plain(long)['live']?.timestamps).toEqual(every(end - 600_000, end, 1000));
  });

  test('a range with more samples than the server loads is fetched in halves', async () => {
    const prom = client(prometheus.url);
    // 300 steps of two series; the server loads at most 150 samples.
    const { series } = await prom.queryRange('f', end - 598_000, end, 2000);
    expect(plain(series)['live']?.timestamps).toEqual(every(end - 598_000, end, 2000));
    const { series: raw } = await prom.samples('{__name__=~"f|odd"}', end - 600_000, end);
    expect(plain(raw)['live']?.timestamps).toEqual(every(end - 590_000, end, 10_000));
    const parts: string[] = [];
    const visited = await prom.queryRange('f', end - 598_000, end, 2000, {
      visit: ({ labels }) => void parts.push(labels['s'] ?? ''),
    });
    expect(visited.series).toEqual([]);
    expect(parts.length).toBeGreaterThan(2);
  });

  test("a response above the client's limit is fetched in halves, down to the minimum", async () => {
    const small = client(prometheus.url, { maxBytes: 1000 });
    const { series } = await small.queryRange('f{s="live"}', end - 600_000, end, 10_000);
    expect(plain(series)['live']?.values).toEqual(every(end / 1000 - 600, end / 1000, 10));
    const tiny = client(prometheus.url, { maxBytes: 100 });
    await expect(tiny.queryRange('f', end - 60_000, end, 10_000)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test("errors have codes and the server's message", async () => {
    const prom = client(prometheus.url);
    await expect(prom.query('f{', end)).rejects.toMatchObject({
      name: 'PrometheusError',
      code: 'BAD_DATA',
      status: 400,
      message: expect.stringContaining('parse error'),
    });
    await expect(prom.query('f * on() group_left f', end)).rejects.toMatchObject({ code: 'EXECUTION', status: 422 });
    await expect(prom.query('f', end, { timeoutMs: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const gone = client(`http://127.0.0.1:${await freePort()}`);
    await expect(gone.query('f', end)).rejects.toMatchObject({ code: 'UNREACHABLE', status: undefined });
    const hanging = await serve(() => undefined);
    stops.push(() => hanging.stop());
    await expect(client(hanging.url).query('f', end, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});

describeWith([CURRENT_PROMETHEUS], 'with limits on the cost of queries', () => {
  const limited = async (limits: string) => {
    const config = `global: { ${limits} }\n`;
    const flags = ['--enable-feature=query-cost'];
    const server = await startPrometheus({ program: currentRelease().prometheus, config, flags, history: history() });
    stops.push(() => server.stop());
    return client(server.url);
  };

  test('a query of too many samples is fetched in halves', async () => {
    const prom = await limited('query_max_samples_read: 50');
    const { series } = await prom.samples('f', end - 600_000, end);
    expect(plain(series)['live']?.timestamps).toEqual(every(end - 590_000, end, 10_000));
    const { series: stepped } = await prom.queryRange('f', end - 600_000, end, 10_000);
    expect(plain(stepped)['live']?.timestamps).toEqual(every(end - 600_000, end, 10_000));
  });

  test('a query of too many series exceeds a limit, as one of too many samples does', async () => {
    const prom = await limited('query_max_series: 1');
    await expect(prom.samples('f', end - 60_000, end)).rejects.toMatchObject({ exceedsLimit: true });
    expect((await prom.samples('f{s="live"}', end - 60_000, end)).series).toHaveLength(1);
  });
});

test.each([
  [401, 'no', 'SERVER'],
  [502, '<html>Bad gateway</html>', 'SERVER'],
  [504, '', 'TIMEOUT'],
  [503, '{"status":"error","errorType":"timeout","error":"query timed out"}', 'TIMEOUT'],
  [200, '<html>Sign in</html>', 'UNPARSABLE'],
  [200, '{"status":"error","errorType":"execution","error":"odd"}', 'EXECUTION'],
])('status %i with %s is %s', async (status, body, code) => {
  await expect(client(await answering(status, body)).query('f', end)).rejects.toMatchObject({ code, status });
});

test('the warnings of a partial result are returned', async () => {
  const url = await answering(
    200,
    '{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is away"]}',
  );
  expect(await client(url).query('f', end)).toEqual({ series: [], warnings: ['a store is away'] });
});
