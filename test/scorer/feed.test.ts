import { afterEach, expect, test } from 'vitest';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { httpClientSchema } from '../../daemon/http-client/settings.ts';
import { EDGE_SERIES, readFeatures, SERVICE_SERIES } from '../../scorer/features/features.ts';
import { Feed } from '../../scorer/cycle/feed.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { readRequestBody, serve } from '../testserver/http.ts';

/** Queries after a timeout of the server. */

const INTERVAL_MS = 1000;
const REACH = 20;
const STEP = 1_700_000_000;
/** Longer ranges exceed the client's timeout. */
const MAX_ANSWERED_MS = 3 * INTERVAL_MS;
const TIMEOUT_MS = 300;

const set = readFeatures(SHIPPED_FEATURES);
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Asked {
  readonly series: string;
  readonly rangeMs: number;
  readonly untilMs: number;
}

/** A server that only responds if `answers` returns true. */
async function startSlowServer(
  answers: (asked: Asked) => boolean,
): Promise<{ readonly url: string; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = [];
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      const form = new URLSearchParams(body.toString());
      const [, series = '', range] = /^([^[]+)\[(\d+)ms\]$/.exec(form.get('query') ?? '') ?? [];
      const question = { series, rangeMs: Number(range), untilMs: Math.round(Number(form.get('time')) * 1000) };
      asked.push(question);
      if (answers(question)) response.end(answerTo(question));
    });
  });
  stops.push(() => server.stop());
  return { url: server.url, asked };
}

/** One service's first feature, a sample a step; no edges. */
function answerTo({ series, rangeMs, untilMs }: Asked): string {
  const last = untilMs / INTERVAL_MS;
  const steps = Array.from({ length: rangeMs / INTERVAL_MS }, (_, index) => last - index).reverse();
  const labels = { namespace: 'shop', service: 'cart', feature: set.features[0]?.name, channel: 'red' };
  const values = steps.map((step) => [step * (INTERVAL_MS / 1000), String(valueAt(step))]);
  const result = series === SERVICE_SERIES ? [{ metric: labels, values }] : [];
  return JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } });
}

/** Small enough to distinguish steps in a float. */
function valueAt(step: number): number {
  return step % 1000;
}

function createFeed(url: string): { readonly feed: Feed; readonly fleet: Fleet } {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: TIMEOUT_MS });
  stops.push(() => http.close());
  const fleet = new Fleet(set, INTERVAL_MS, REACH + 1);
  const features = { services: set.features, edges: set.edges };
  const client = new PrometheusClient({ url, http });
  return { feed: new Feed({ client, fleet, intervalMs: INTERVAL_MS, reach: REACH, features }), fleet };
}

test('a past that exceeds the timeout is queried in shorter and shorter ranges, none of them twice', async () => {
  const { url, asked } = await startSlowServer(({ rangeMs }) => rangeMs <= MAX_ANSWERED_MS);
  const { feed, fleet } = createFeed(url);
  // 10, then 5, then 3 steps at a time.
  for (const _ of ['ten', 'five']) {
    await expect(feed.fetchUntil(STEP)).rejects.toMatchObject({ code: 'TIMEOUT' });
  }
  await feed.fetchUntil(STEP);
  const [history] = fleet.services.values();
  for (let step = STEP - REACH; step <= STEP; step++) expect(history?.get(step, 0), `step ${step}`).toBe(valueAt(step));

  const before = asked.length;
  await feed.fetchUntil(STEP + 1);
  const now = asked.slice(before);
  expect(now).toHaveLength(2);
  expect(new Set(now.map(({ series }) => series))).toEqual(new Set([EDGE_SERIES, SERVICE_SERIES]));
  for (const { rangeMs } of now) expect(rangeMs).toBe(INTERVAL_MS);
  for (const name of [SERVICE_SERIES, EDGE_SERIES]) {
    const answered = asked.filter(({ series, rangeMs }) => series === name && rangeMs <= MAX_ANSWERED_MS);
    expect(new Set(answered.map(({ untilMs }) => untilMs)).size).toBe(answered.length);
  }
});

test('results of a query are kept if another one fails', async () => {
  let edgesAreSlow = true;
  const { url, asked } = await startSlowServer(({ series }) => !edgesAreSlow || series === SERVICE_SERIES);
  const { feed } = createFeed(url);
  await expect(feed.fetchUntil(STEP)).rejects.toMatchObject({ code: 'TIMEOUT' });
  edgesAreSlow = false;
  const before = asked.length;
  await feed.fetchUntil(STEP);
  const now = asked.slice(before);
  expect(now.map(({ series }) => series)).toEqual(now.map(() => EDGE_SERIES));
  expect(now.reduce((sum, { rangeMs }) => sum + rangeMs, 0)).toBe((REACH + 1) * INTERVAL_MS);
});
