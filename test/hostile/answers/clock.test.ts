import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fleet, WritingBed } from '../../scorer/remote-write/writing-bed.ts';
import { INTERVAL_MS, metric, ScorerBed, trueTime } from '../../scorer/running-scorer.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { startReceiver } from '../../testserver/receiver.ts';
import { keeps, record } from '../table/keeps.ts';

const HOUR_MS = 3_600_000;
const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));
/** In the store's future by more than clocks may differ. */
const FUTURE_MS = 300_000;

describe("the scorer's clock", { timeout: 120_000 }, () => {
  let bed: ScorerBed;
  beforeEach(() => {
    bed = new ScorerBed();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await bed.clear();
  });

  it('set an hour ahead and back loses the scores of that time only', keeps('clock'), async () => {
    const prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    // It takes samples of the future, but none that is older than another.
    const receiver = await startReceiver();
    bed.onClear(() => receiver.stop());
    bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
    const app = await bed.scorer(bed.configure('scorer', prometheus.url, receiver.url), SERVICES);
    await app.start();
    const cart = { __name__: 'anomaly_score', namespace: 'shop', service: 'cart', detector: 'autoencoder' };
    const times = () => receiver.samples(cart).map(({ timestampMs }) => timestampMs);
    const untilScored = (afterMs: number) =>
      bed.until('a score', times, (seen) => seen.some((time) => time > afterMs && time < trueTime()));
    await untilScored(0);

    const skipped = await metric(app, 'cycles_skipped_total');
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => trueTime() + HOUR_MS);
    await bed.until(
      'the hour is skipped',
      async () => (await metric(app, 'cycles_skipped_total')) - skipped,
      (count) => count >= HOUR_MS / INTERVAL_MS,
    );
    await sleep(3 * INTERVAL_MS);
    clock.mockRestore();
    const backMs = trueTime();
    await untilScored(backMs);
    record({
      seconds: (trueTime() - backMs) / 1000,
      dropped: await metric(app, 'samples_dropped_total'),
    });
    expect(Math.max(...times())).toBeLessThan(trueTime() + FUTURE_MS);
    expect(await metric(app, 'samples_dropped_total')).toBe(0);
    expect(receiver.requests.filter(({ status }) => status >= 300)).toEqual([]);
    expect(bed.logged('no cycles until the time is certain')).toBe(1);
    expect(bed.logged('the time is certain again')).toBe(1);
  });

  it.each([HOUR_MS, -HOUR_MS])(
    'set by %i ms while samples wait does not make them too old',
    keeps('clock'),
    async (byMs) => {
      const writing = new WritingBed();
      bed.onClear(() => writing.clear());
      const { receiver, writer } = await writing.withReceiver({}, { retryAgeMs: 600_000 });
      receiver.answerNext({ status: 503 }, { status: 503 });
      const written = writer.write(fleet(10, trueTime()));
      vi.spyOn(Date, 'now').mockImplementation(() => trueTime() + byMs);
      expect(await written).toMatchObject({ accepted: 10, dropped: {}, requests: 3 });
    },
  );
});
