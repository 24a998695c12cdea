import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScorerApp } from '../../scorer/app.ts';
import { owns } from '../../scorer/identity/shard.ts';
import { startPrometheus } from '../testserver/prometheus.ts';
import { type Proxy, startProxy } from '../testserver/proxy.ts';
import { byService, metric, ScorerBed } from './running-scorer.ts';

const COUNT = 2;
const name = (service: string) => ({ namespace: 'shop', service });
const SERVICES = Array.from({ length: 12 }, (_, index) => name(`s${index}`));
const of = (index: number) => SERVICES.filter((service) => owns({ index, count: COUNT }, service));
/** A slow service in one shard, and its caller in the other. */
const [CALLEE = name(''), CALLER = name('')] = [of(1)[0], of(0)[0]];
const EDGES = [[CALLER, CALLEE] as const];

/** Values of some intervals, as a cycle asks for them. */
const CYCLE_QUERY = /lorikeet_feature:window.*\[\d+ms\]$/;

describe('two shards', () => {
  const bed = new ScorerBed();
  const apps: ScorerApp[] = [];
  const proxies: Proxy[] = [];
  let url: string;
  let slow = false;
  const query = async (text: string) => (await bed.client(url).query(text, Date.now())).series;

  beforeAll(async () => {
    const prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    url = prometheus.url;
    const write = `${url}/api/v1/write`;
    const isSlow = (service: string) => slow && (service === CALLEE.service || service === CALLER.service);
    bed.play(write, SERVICES, {
      factor: ({ service }, feature) => (isSlow(service) && feature === 'request_latency' ? 9 : 1),
      edges: EDGES,
      edgeFactor: () => (slow ? 9 : 1),
    });
    for (let index = 0; index < COUNT; index++) {
      const proxy = await startProxy(url);
      bed.onClear(() => proxy.stop());
      proxies.push(proxy);
      const extra = `shard: { index: ${index}, count: ${COUNT} }\n`;
      // Both have the profiles of all services, so that only the shard decides.
      const configFile = bed.configure(`shard-${index}`, proxy.url, write, { extra });
      const app = await bed.scorer(configFile, SERVICES, { edges: EDGES });
      apps.push(app);
      await app.start();
    }
  });
  afterAll(() => bed.clear());

  it('score each service once, all together', async () => {
    await bed.until(
      'all are scored',
      async () => byService(await query('anomaly_score')).size,
      (size) => size === 12,
    );
    for (const [index, app] of apps.entries()) {
      expect(await metric(app, 'services{state="scored"}')).toBe(of(index).length);
      expect(await metric(app, `shard{index="${index}",count="2"}`)).toBe(1);
      expect(await metric(app, 'write_failures_total{code="conflict"}')).toBe(0);
    }
  });

  it('send two queries per cycle each, including those for the other shard', async () => {
    const cycles = async () =>
      await Promise.all(
        apps.map(
          async ({ metrics }) =>
            (await metrics.cycleDuration.get()).values.find(
              ({ labels, metricName }) => labels['phase'] === 'query' && metricName?.endsWith('_count') === true,
            )?.value ?? 0,
        ),
      );
    const before = await cycles();
    proxies.forEach((proxy) => proxy.reset());
    const after = await bed.until('four cycles', cycles, (now) =>
      now.every((count, index) => count >= (before[index] ?? 0) + 4),
    );
    for (const [index, proxy] of proxies.entries()) {
      // Examinations ask their own questions, now and then.
      const asked = proxy.queries.filter((asking) => CYCLE_QUERY.test(asking)).length;
      // The start or the end of the count may be within a cycle.
      expect(Math.abs(asked - 2 * ((after[index] ?? 0) - (before[index] ?? 0)))).toBeLessThanOrEqual(2);
    }
  });

  it('rank one cause of an incident in both, and end the ranking with the incident', async () => {
    expect(await query('anomaly_root_cause_rank')).toEqual([]);
    slow = true;
    // Each shard has the state of the other's services from the previous cycle: while that changes, each may have a first one.
    const first = (seen: ReadonlyMap<string, number>) =>
      [...seen].flatMap(([service, rank]) => (rank === 1 ? [service] : []));
    await bed.until(
      'the callee alone is first and the caller is ranked',
      async () => byService(await query('anomaly_root_cause_rank')),
      (seen) => first(seen).join() === CALLEE.service && seen.has(CALLER.service),
    );
    await bed.until(
      'shares of one',
      async () =>
        [...byService(await query('anomaly_root_cause_score')).values()].reduce((sum, share) => sum + share, 0),
      (total) => Math.abs(total - 1) < 0.1,
    );
    slow = false;
    await bed.until(
      'no ranking',
      async () => (await query('anomaly_root_cause_rank')).length,
      (size) => size === 0,
    );
  });
});
