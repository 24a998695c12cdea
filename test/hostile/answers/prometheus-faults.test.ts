import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScorerApp } from '../../../scorer/app.ts';
import { metric, ScorerBed, trueTime } from '../../scorer/running-scorer.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { keeps, record } from '../table/keeps.ts';

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));

let bed: ScorerBed;
beforeEach(() => {
  bed = new ScorerBed();
});
afterEach(() => bed.clear());

/** Times of the scores of a service since `sinceMs`. */
async function scoreTimes(prometheus: RunningPrometheus, sinceMs: number): Promise<readonly number[]> {
  const { series } = await bed
    .client(prometheus.url)
    .samples('anomaly_score{service="cart",detector="autoencoder"}', sinceMs, trueTime() + 1);
  return [...(series[0]?.timestamps ?? [])];
}

const untilScores = (prometheus: RunningPrometheus, count: number, sinceMs = trueTime()) =>
  bed.until(
    `${count} scores`,
    () => scoreTimes(prometheus, sinceMs).catch(() => []),
    (times) => times.length >= count,
  );

async function startScorer(name: string, prometheus: RunningPrometheus, writeUrl: string): Promise<ScorerApp> {
  const app = await bed.scorer(bed.configure(name, prometheus.url, writeUrl), SERVICES);
  await app.start();
  return app;
}

describe('a Prometheus', { timeout: 150_000 }, () => {
  it(
    'that is killed twice and comes back with its data gets scores again, and none is out of order',
    keeps('prometheus_killed'),
    async () => {
      const prometheus = await startPrometheus();
      bed.onClear(() => prometheus.stop());
      const write = `${prometheus.url}/api/v1/write`;
      bed.play(write, SERVICES);
      const app = await startScorer('killed', prometheus, write);
      await untilScores(prometheus, 2);
      for (let times = 0; times < 2; times++) {
        await prometheus.crash();
        const failed = await metric(app, 'cycles_failed_total');
        await bed.until(
          'it is missed',
          () => metric(app, 'cycles_failed_total'),
          (count) => count > failed + 2,
        );
        await prometheus.restart();
        const backMs = trueTime();
        await untilScores(prometheus, 1);
        record({ seconds: (trueTime() - backMs) / 1000 });
      }
      expect(await metric(app, 'samples_dropped_total{reason="out_of_order"}')).toBe(0);
      expect(await metric(app, 'samples_dropped_total{reason="conflict"}')).toBe(0);
    },
  );

  it('whose disk is full is written to again once it has space', keeps('prometheus_full'), async () => {
    const disk = mkdtempSync(join(tmpdir(), 'lorikeet-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300m', 'tmpfs', disk]);
    bed.onClear(() => {
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    });
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = disk;
    const prometheus = await startPrometheus().finally(() => {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
    });
    bed.onClear(() => prometheus.stop());
    bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
    const app = await startScorer('full', prometheus, `${prometheus.url}/api/v1/write`);
    await untilScores(prometheus, 2);

    const filler = join(disk, 'filler');
    fill(disk, filler);
    const fullMs = trueTime();
    const failures = await metric(app, 'write_failures_total');
    await bed.until(
      'writes fail',
      () => metric(app, 'write_failures_total'),
      (count) => count > failures + 3,
    );
    rmSync(filler);
    const freedMs = trueTime();
    await untilScores(prometheus, 1, freedMs);
    record({ seconds: (trueTime() - freedMs) / 1000 });
    await untilScores(prometheus, 3, freedMs);
    expect(await metric(app, 'samples_dropped_total')).toBe(0);
    const during = await scoreTimes(prometheus, fullMs);
    expect(during.filter((time) => time < freedMs)).not.toEqual([]);
  });

  it(
    'that two scorers of one shard write to keeps scores, and both count what is refused',
    keeps('two_scorers'),
    async () => {
      const prometheus = await startPrometheus();
      bed.onClear(() => prometheus.stop());
      bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
      const one = await startScorer('one', prometheus, `${prometheus.url}/api/v1/write`);
      const config = bed.configure('two', prometheus.url, `${prometheus.url}/api/v1/write`);
      const two = await bed.scorer(config, SERVICES, { usual: 1.02 });
      await two.start();
      await untilScores(prometheus, 8);
      const conflicts = async (app: ScorerApp) => await metric(app, 'samples_dropped_total{reason="conflict"}');
      await bed.until(
        'a conflict',
        async () => (await conflicts(one)) + (await conflicts(two)),
        (count) => count > 0,
      );
      record({ conflicts: (await conflicts(one)) + (await conflicts(two)) });
      for (const app of [one, two]) expect(await metric(app, 'cycles_failed_total')).toBe(0);
    },
  );
});

/** Leaves no space on a disk. */
function fill(disk: string, path: string): void {
  const { bavail, bsize } = statfsSync(disk);
  const chunk = Buffer.alloc(bsize);
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail - 4) * bsize));
  try {
    for (;;) writeFileSync(path, chunk, { flag: 'a' });
  } catch {
    // It is full.
  }
}
