import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { keeps, recordWatched } from '../table/keeps.ts';
import { type Connection, hangUp } from './connection.ts';
import { type LargePage, readNothing, startLargePage } from './large-page.ts';
import { watchProgram } from './watch.ts';

const bench = new Bench();
let page: LargePage;

beforeAll(async () => {
  page = await startLargePage(bench, { watchLoop: true });
});
afterAll(async () => {
  await page?.stop();
  bench.remove();
});

const unread = () => page.exporter.value('lorikeet_exporter_web_refusals_total{reason="unread"}');

describe('clients that do not read a large page', keeps('slow_readers'), () => {
  it('leave others theirs, and hold no more than 64 MB', async () => {
    const { exporter, pageBytes } = page;
    expect(pageBytes).toBeGreaterThan(6e6);
    const watch = watchProgram(exporter);
    const slow: Connection[] = [];
    for (let reader = 0; reader < 30; reader++) {
      slow.push(await readNothing(page.exporter));
      const answer = await fetch(`${exporter.url}/metrics`);
      expect([answer.status, (await answer.text()).length > pageBytes / 2]).toEqual([200, true]);
    }
    const seen = await watch.stop();
    recordWatched(seen);
    expect(seen.unhealthy).toBe(0);
    const kept = Math.floor((64 * 2 ** 20) / pageBytes);
    await until('the others to be cut', async () => (await unread()) >= 30 - kept - 1);
    hangUp(slow);
  }, 120_000);

  it('are cut after half a minute', async () => {
    const before = await unread();
    const slow = await readNothing(page.exporter);
    await until('the cut', async () => (await unread()) > before, { timeoutMs: 60_000, periodMs: 500 });
    slow.socket.resume();
    await slow.closed;
  }, 90_000);
});
