import { afterEach, expect, test, vi } from 'vitest';
import { createHttpClient } from '../../../daemon/http-client/client.ts';
import { httpClientSchema } from '../../../daemon/http-client/settings.ts';
import { EDGE_SERIES, readFeatures, SERVICE_SERIES } from '../../../scorer/features/features.ts';
import { Feed } from '../../../scorer/cycle/feed.ts';
import { Fleet } from '../../../scorer/fleet/fleet.ts';
import { SHIPPED_FEATURES } from '../../../scorer/paths.ts';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { readRequestBody, serve } from '../../testserver/http.ts';

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
  const labels = {
    __name__: series,
    namespace: 'shop',
    service: 'cart',
    feature: set.features[0]?.name,
    channel: 'red',
  };
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
  // The new step, and the one before it again, for what came late; of edges, which have no values yet, more.
  for (const { series, rangeMs } of now) {
    expect(rangeMs).toBe(series === SERVICE_SERIES ? 2 * INTERVAL_MS : MAX_ANSWERED_MS);
  }
  for (const name of [SERVICE_SERIES, EDGE_SERIES]) {
    const answered = asked
      .slice(0, before)
      .filter(({ series, rangeMs }) => series === name && rangeMs <= MAX_ANSWERED_MS);
    expect(new Set(answered.map(({ untilMs }) => untilMs)).size).toBe(answered.length);
  }
});

/** The rule of one feature: evaluated at the end of each step, visible `latenessMs` later. */
function startLateServer(clock: { nowMs: number; latenessMs: number }) {
  return serve((request, response) => {
    void readRequestBody(request).then((body) => {
      const form = new URLSearchParams(body.toString());
      if (form.get('query')?.includes('timestamp(') === true) {
        const newest = Math.floor((clock.nowMs - clock.latenessMs) / INTERVAL_MS) * (INTERVAL_MS / 1000);
        const metric = { feature: set.features[0]?.name, channel: 'red' };
        const result = [{ metric, value: [clock.nowMs / 1000, String(newest)] }];
        response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
        return;
      }
      const [, series = '', range] = /^([^[]+)\[(\d+)ms\]$/.exec(form.get('query') ?? '') ?? [];
      const question = { series, rangeMs: Number(range), untilMs: Math.round(Number(form.get('time')) * 1000) };
      const { data } = JSON.parse(answerTo(question)) as { data: { result: { values: [number, string][] }[] } };
      const visible = (at: number) => at * 1000 + clock.latenessMs <= clock.nowMs;
      for (const one of data.result) one.values = one.values.filter(([at]) => visible(at));
      data.result = data.result.filter(({ values }) => values.length > 0);
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', ...data } }));
    });
  });
}

test.each([0.5, 1, 2.2, 4, 7])(
  'values that come %d intervals late are read, with two queries a cycle',
  async (late) => {
    const clock = { nowMs: 0, latenessMs: late * INTERVAL_MS };
    const server = await startLateServer(clock);
    stops.push(() => server.stop());
    const { feed, fleet } = createFeed(server.url);
    const now = vi.spyOn(Date, 'now').mockImplementation(() => clock.nowMs);
    stops.push(async () => now.mockRestore());
    for (let step = STEP; step < STEP + 25; step++) {
      clock.nowMs = step * INTERVAL_MS + 100;
      await feed.fetchUntil(step);
      const [history] = fleet.services.values();
      const visible = Math.floor((clock.nowMs - clock.latenessMs) / INTERVAL_MS);
      for (let seen = Math.max(STEP, step - 15); seen <= visible; seen++)
        expect(history?.get(seen, 0), `step ${seen}`).toBe(valueAt(seen));
      if (step > STEP + 9) {
        const { latenessMs, sufficientDelayMs } = feed.arrivals;
        expect(latenessMs).toBeGreaterThan(0);
        expect(sufficientDelayMs).toBeGreaterThanOrEqual(clock.latenessMs);
        expect(sufficientDelayMs).toBeLessThanOrEqual(clock.latenessMs + INTERVAL_MS);
      }
    }
  },
);

test.each([
  [0, 0],
  [0.05, 0],
  [2.2, 2.2],
])('the first fetch shows what is late, if it was asked before: %d intervals', async (late, atLeast) => {
  const clock = { nowMs: (STEP + 0.6) * INTERVAL_MS, latenessMs: late * INTERVAL_MS };
  const server = await startLateServer(clock);
  stops.push(() => server.stop());
  const { feed } = createFeed(server.url);
  const now = vi.spyOn(Date, 'now').mockImplementation(() => clock.nowMs);
  stops.push(async () => now.mockRestore());
  await feed.ask(clock.nowMs, 100);
  clock.nowMs = (STEP + 2) * INTERVAL_MS + 100;
  await feed.fetchUntil(STEP + 2);
  expect(feed.arrivals.latenessMs > 0).toBe(late >= 1);
  expect(feed.arrivals.sufficientDelayMs).toBeGreaterThanOrEqual(atLeast * INTERVAL_MS);
  expect(feed.arrivals.sufficientDelayMs).toBeLessThanOrEqual((atLeast + (late >= 1 ? 1 : 0)) * INTERVAL_MS);
});

test('a single value that came late is right at the next step, also after cycles were skipped', async () => {
  const clock = { nowMs: 0, latenessMs: 0 };
  const server = await startLateServer(clock);
  stops.push(() => server.stop());
  const { feed, fleet } = createFeed(server.url);
  const now = vi.spyOn(Date, 'now').mockImplementation(() => clock.nowMs);
  stops.push(async () => now.mockRestore());
  for (const [step, latenessMs] of [
    [0, 0],
    [1, 900],
    [2, 0],
    [3, 900],
    [7, 0],
  ] as const) {
    clock.nowMs = (STEP + step) * INTERVAL_MS + 100;
    clock.latenessMs = latenessMs;
    await feed.fetchUntil(STEP + step);
    const [history] = fleet.services.values();
    if (latenessMs > 0) expect(history?.get(STEP + step, 0)).toBeNaN();
    else for (let seen = 0; seen <= step; seen++) expect(history?.get(STEP + seen, 0)).toBe(valueAt(STEP + seen));
  }
  expect(feed.arrivals.lateValues).toBe(1);
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
