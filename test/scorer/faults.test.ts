import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ScorerApp } from '../../scorer/app.ts';
import { keeps } from '../hostile/table/keeps.ts';
import { startPrometheus, type RunningPrometheus } from '../testserver/prometheus.ts';
import { type Proxy, startProxy } from '../testserver/proxy.ts';
import { byService, INTERVAL_MS, metric, ScorerBed, trueTime } from './running-scorer.ts';

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));

describe('the scorer during failures around it', { timeout: 90_000, ...keeps('prometheus_away') }, () => {
  const bed = new ScorerBed();
  let prometheus: RunningPrometheus;
  let queries: Proxy;
  let writes: Proxy;
  let app: ScorerApp;

  /** Waits until every service has a score with a time from now on: an instant query also returns older ones. */
  const untilScored = () => {
    const since = trueTime();
    return bed.until(
      'all are scored',
      async () => {
        const scores = await bed.client(prometheus.url).samples('anomaly_score', since, trueTime() + 1);
        return byService(scores.series).size;
      },
      (size) => size === SERVICES.length,
    );
  };

  beforeAll(async () => {
    prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    queries = await startProxy(prometheus.url);
    bed.onClear(() => queries.stop());
    writes = await startProxy(prometheus.url);
    bed.onClear(() => writes.stop());
    bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
    app = await bed.scorer(bed.configure('scorer', queries.url, `${writes.url}/api/v1/write`), SERVICES);
    await app.start();
    await untilScored();
  });
  afterAll(() => bed.clear());

  it.each([
    ['answers 422', 'EXECUTION', { failWith: 422 }, 1],
    ['answers 429', 'SERVER', { failWith: 429 }, 1],
    ['answers 500', 'SERVER', { failWith: 500 }, 1],
    ['answers 503', 'SERVER', { failWith: 503 }, 1],
    // The position of the cut differs between the two queries, and so does the error.
    ['answers half of its JSON', 'UNPARSABLE', { truncate: true }, 2],
    ['is slower than the timeout', 'TIMEOUT', { delayMs: 2500 }, 1],
  ] as const)(
    'a Prometheus that %s is counted as %s and logged on change; then scores go on',
    async (_name, code, fault, maxLines) => {
      const row = `query_failures_total{code="${code}"}`;
      const [before, failures] = [await metric(app, row), bed.logged('cycle failed')];
      Object.assign(queries, fault);
      await bed.until(
        'three more failures',
        () => metric(app, row),
        (count) => count >= before + 3,
      );
      const lines = bed.logged('cycle failed') - failures;
      expect(lines).toBeGreaterThanOrEqual(1);
      expect(lines).toBeLessThanOrEqual(maxLines);
      Object.assign(queries, { failWith: undefined, truncate: false, delayMs: 0 });
      const recovered = bed.logged('cycles complete again');
      await bed.until(
        'it recovers',
        () => bed.logged('cycles complete again'),
        (count) => count > recovered,
      );
      await untilScored();
    },
  );

  it('counts the cycles skipped because of a long one', async () => {
    expect(await metric(app, 'cycles_skipped_total')).toBeGreaterThan(0);
    expect(bed.logged('cycles skipped')).toBeGreaterThan(0);
  });

  it('a Prometheus that is down for ten intervals', async () => {
    const failures = bed.logged('cycle failed');
    await prometheus.crash();
    const failed = await metric(app, 'cycles_failed_total');
    await bed.until(
      'ten cycles fail',
      () => metric(app, 'cycles_failed_total'),
      (count) => count >= failed + 10,
    );
    expect(bed.logged('cycle failed')).toBe(failures + 1);
    await prometheus.restart();
    await untilScored();
  });

  it('a receiver that is down loses no score', async () => {
    const missed = async () => (await metric(app, 'cycles_skipped_total')) + (await metric(app, 'cycles_failed_total'));
    const missedBefore = await missed();
    const before = trueTime();
    const row = 'write_failures_total{code="503"}';
    const failures = await metric(app, row);
    writes.failWith = 503;
    await bed.until(
      'requests fail for five cycles',
      async () => (await metric(app, row)) > failures && trueTime() > before + 5 * INTERVAL_MS,
      (failed) => failed,
    );
    writes.failWith = undefined;
    const after = trueTime();
    const selector = 'anomaly_score{service="cart"}';
    const times = await bed.until(
      'scores of the time after',
      async () => [
        ...((await bed.client(prometheus.url).samples(selector, before, trueTime())).series[0]?.timestamps ?? []),
      ],
      (seen) => (seen.at(-1) ?? 0) > after,
    );
    // The first score to be delivered is that of the cycle after the current one.
    const first = (Math.ceil(before / INTERVAL_MS) + 1) * INTERVAL_MS;
    const steps = ((times.at(-1) ?? NaN) - first) / INTERVAL_MS + 1;
    expect(steps).toBeGreaterThanOrEqual(4);
    // On a busy machine, cycles may be skipped or time out, and have no scores to deliver.
    expect(steps - times.filter((time) => time >= first).length).toBeLessThanOrEqual((await missed()) - missedBefore);
    expect(await metric(app, 'samples_dropped_total{reason="503"}')).toBe(0);
    expect(bed.logged('remote write works again')).toBeGreaterThan(0);
  });

  it('a clock set back by an hour, and forward again', async () => {
    const refused = await metric(app, 'query_failures_total{code="BAD_DATA"}');
    const [failed, skips] = [await metric(app, 'cycles_failed_total'), bed.logged('cycles skipped')];
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => trueTime() - 3_600_000);
    try {
      await bed.until(
        'nothing to score',
        () => metric(app, 'services{state="scored"}'),
        (count) => count === 0,
      );
    } finally {
      clock.mockRestore();
    }
    await bed.until(
      'all are scored',
      () => metric(app, 'services{state="scored"}'),
      (count) => count === 3,
    );
    await untilScored();
    expect(bed.logged('cycles skipped')).toBeGreaterThan(skips);
    expect(await metric(app, 'query_failures_total{code="BAD_DATA"}')).toBe(refused);
    expect(await metric(app, 'cycles_failed_total')).toBe(failed);
  });

  it('a second scorer for the same shard is counted and logged, and ends no score', async () => {
    // It has learned from other values, so its scores differ.
    const configFile = bed.configure('second', prometheus.url, `${prometheus.url}/api/v1/write`);
    const second = await bed.scorer(configFile, SERVICES, { usual: 1.02 });
    await second.start();
    const row = 'write_failures_total{code="conflict"}';
    const conflicts = async () => (await metric(app, row)) + (await metric(second, row));
    await bed.until('a conflict', conflicts, (count) => count > 0);
    const message = 'another writer writes these series: do two scorers run for one shard?';
    await bed.until(
      'the conflict is logged',
      () => bed.logged(message),
      (count) => count > 0,
    );
    expect(
      (await metric(app, 'samples_dropped_total{reason="conflict"}')) +
        (await metric(second, 'samples_dropped_total{reason="conflict"}')),
    ).toBeGreaterThan(0);
    await second.stop();
    await untilScored();
  });
});

describe('services with odd names', () => {
  const bed = new ScorerBed();
  afterAll(() => bed.clear());

  it('are scored with unchanged names', async () => {
    const odd = ['quote"\\', 'a/b/../c', '..', '鸚鵡 🦜', '__proto__', 'new\nline', 'x'.repeat(10_000)];
    const services = odd.map((service) => ({ namespace: `in ${service.slice(0, 20)}`, service }));
    const prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    const write = `${prometheus.url}/api/v1/write`;
    bed.play(write, services);
    const app = await bed.scorer(bed.configure('odd', prometheus.url, write), services);
    await app.start();
    const client = bed.client(prometheus.url);
    const names = await bed.until(
      'all are scored',
      async () => (await client.query('anomaly_score', trueTime())).series.map(({ labels }) => labels),
      (labels) => labels.length === odd.length,
    );
    expect(new Set(names.map(({ service }) => service))).toEqual(new Set(odd));
    for (const { namespace, service } of names) expect(namespace).toBe(`in ${service?.slice(0, 20) ?? ''}`);
    expect(await metric(app, 'samples_dropped_total{reason="invalid"}')).toBe(0);
  });
});
