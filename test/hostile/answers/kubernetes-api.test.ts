import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningProgram } from '../../running-program.ts';
import { untilValue } from '../../until.ts';
import { Bench } from '../bench.ts';
import { watchProgram } from '../clients/watch.ts';
import { keeps, record, recordWatched } from '../table/keeps.ts';
import { flood } from './servers/flood.ts';
import { eventOf, listOf, podOf, startFakeKubernetes, type FakeKubernetes } from './servers/kubernetes-api.ts';

const MIB = 2 ** 20;
/** The attacks made the exporter 930 MB. */
const MAX_GROWTH = 150 * MIB;
/** The reflectors of the exporter: each asks on its own. */
const RESOURCES = 5;
/** How long an attack lasts once it has begun, in milliseconds. */
const ATTACK_MS = 3000;

let bench: Bench;
let api: FakeKubernetes;
let exporter: RunningProgram;

beforeEach(async () => {
  bench = new Bench();
  api = await startFakeKubernetes(bench.folder);
});
afterEach(async () => {
  expect(api.violations).toEqual([]);
  await exporter?.stop();
  await api.stop();
  bench.remove();
});

async function start(): Promise<void> {
  const flags = [`--kubernetes.kubeconfig=${api.kubeconfig}`, '--kubernetes.node-name=node'];
  exporter = await bench.start('exporter', flags, { watchLoop: true });
}

/** Waits until each resource was asked for and the attack has lasted. @returns the number of requests, recorded */
async function attacked(): Promise<number> {
  await untilValue(
    'every resource is asked for',
    () => api.asked.length,
    (count) => count >= RESOURCES,
    { timeoutMs: 30_000 },
  );
  const before = api.asked.length;
  await sleep(ATTACK_MS);
  record({ requests_per_second: (1000 * (api.asked.length - before)) / ATTACK_MS });
  return api.asked.length;
}

const untilFailures = (count: number) =>
  untilValue(
    `${count} failures`,
    () => exporter.total('lorikeet_exporter_kubernetes_failures_total'),
    (seen) => seen >= count,
    { timeoutMs: 20_000, periodMs: 100 },
  );

describe('a Kubernetes API server', { timeout: 90_000 }, () => {
  it.each([
    ['in 31 years', 429, { 'retry-after': '999999999' }],
    ['before now', 429, { 'retry-after': '-5' }],
    ['at no time', 503, { 'retry-after': 'soon' }],
  ])(
    'that wants to be asked again %s is asked now and then, not all the time',
    keeps('kubernetes_retry'),
    async (_when, status, headers) => {
      api.misbehave((_asked, response) => {
        response.writeHead(status, headers).end();
        return true;
      });
      await start();
      expect(await attacked()).toBeLessThan(20 * RESOURCES);
      await untilFailures(RESOURCES);
    },
  );

  it(
    'that finds every version expired is asked now and then, and counted as failing',
    keeps('kubernetes_expired'),
    async () => {
      api.misbehave((_asked, response) => {
        response.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410, message: 'Expired' }));
        return true;
      });
      await start();
      expect(await attacked()).toBeLessThan(10 * RESOURCES);
      await untilFailures(RESOURCES);
    },
  );

  it.each([
    ['another page, always a new one', () => String(Math.random())],
    ['another page, always the same', () => 'again'],
  ])('that has %s, is asked for some of them', keeps('kubernetes_pages'), async (_what, next) => {
    api.misbehave(({ isWatch }, response) => {
      if (!isWatch) response.end(listOf([], next()));
      return !isWatch;
    });
    await start();
    const asked = await attacked();
    record({ pages: asked / RESOURCES });
    expect(asked).toBeLessThan(100 * RESOURCES);
    await untilFailures(RESOURCES);
  });

  it.each([
    ['a line of a watch', true, '{"type":"ADDED","object":{"metadata":{"name":"', 'x'],
    ['an item of a list', false, '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"', 'x'],
    ['a list before its items', false, '{"metadata":{"resourceVersion":"', '1'],
    ['a nesting of a list', false, '{"metadata":{"resourceVersion":"1"},"items":[', '['],
    ['an error', false, '', 'x'],
  ])(
    'that never ends %s is hung up on, and nothing grows',
    keeps('kubernetes_endless'),
    async (what, inWatch, first, unit) => {
      const sent: Promise<number>[] = [];
      api.misbehave(({ path, isWatch }, response) => {
        if (path !== '/api/v1/services' || isWatch !== inWatch) return false;
        if (what === 'an error') response.statusCode = 500;
        sent.push(flood(response, first, unit));
        return true;
      });
      await start();
      const watch = watchProgram(exporter);
      await untilFailures(2);
      const most = Math.max(...(await Promise.all(sent.slice(0, 2))));
      const seen = await watch.stop();
      recordWatched(seen);
      record({ sent_megabytes: most / 1e6 });
      expect(most).toBeLessThan(64 * MIB);
      expect(seen.addedBytes).toBeLessThan(MAX_GROWTH);
      expect(seen.unhealthy).toBe(0);
      expect(Math.max(0, ...exporter.log.map(({ length }) => length))).toBeLessThan(2000);
    },
  );

  it('with a pod whose annotation of 200 KB changes all the time fills no log', keeps('annotations'), async () => {
    const annotation = (count: number) => ({ 'lorikeet.dev/service': `${count} ${'x'.repeat(200_000)}` });
    api.misbehave(({ path, isWatch, query }, response) => {
      if (path !== '/api/v1/pods' || !query.has('fieldSelector')) return false;
      if (!isWatch) {
        response.end(listOf([podOf('cart', annotation(0))]));
        return true;
      }
      let count = 0;
      const timer = setInterval(() => {
        count++;
        response.write(eventOf('MODIFIED', podOf('cart', annotation(count), String(8 + count))));
      }, 100);
      response.on('close', () => clearInterval(timer));
      return true;
    });
    await start();
    await untilValue(
      'annotations are rejected',
      () => exporter.samples('lorikeet_exporter_kubernetes_rejected_annotations_total'),
      (samples) => (Object.values(samples)[0] ?? 0) >= 3,
      { timeoutMs: 20_000, periodMs: 100 },
    );
    const lines = exporter.log.filter((line) => line.includes('invalid annotation'));
    expect(lines.length).toBeGreaterThan(0);
    const longest = Math.max(...lines.map(({ length }) => length));
    record({ longest_line: longest });
    expect(longest).toBeLessThan(1000);
  });
});
