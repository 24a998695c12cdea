import { mkdirSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupMount } from '../../../microsim/controller/cgroup.ts';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { keeps, recordWatched } from '../table/keeps.ts';
import { type Connection, dial, hangUp } from './connection.ts';
import { watchProgram } from './watch.ts';

/** Targets with a cgroup each, whose long names make the page large: more than fits between two sockets. */
const TARGETS = 60;
const NAME = 'n'.repeat(250);
const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';

const bench = new Bench();
const cgroups = Array.from({ length: TARGETS }, (_, index) =>
  join(findCgroupMount(), `lorikeet-hostile-${process.pid}-${index}`),
);
let exporter: RunningProgram;
let pageBytes: number;

beforeAll(async () => {
  for (const path of cgroups) mkdirSync(path);
  const target = (path: string) =>
    `  - { namespace: '${NAME}', service: '${NAME}', pod: '${basename(path)}', cgroup: '/${basename(path)}' }\n`;
  bench.write('targets.yaml', `targets:\n${cgroups.map(target).join('')}`);
  exporter = await bench.start('exporter', ['--targets.file=targets.yaml'], { watchLoop: true });
  pageBytes = (await (await fetch(`${exporter.url}/metrics`)).text()).length;
});
afterAll(async () => {
  await exporter?.kill();
  for (const path of cgroups) rmdirSync(path);
  bench.remove();
});

/** Asks for the page and reads none of it. */
async function readNothing(): Promise<Connection> {
  const connection = await dial(exporter.port);
  connection.socket.pause();
  connection.socket.write(GET);
  return connection;
}

const unread = () => exporter.value('lorikeet_exporter_web_refusals_total{reason="unread"}');

describe('clients that do not read a large page', keeps('slow_readers'), () => {
  it('leave others theirs, and hold no more than 64 MB', async () => {
    expect(pageBytes).toBeGreaterThan(6e6);
    const watch = watchProgram(exporter);
    const slow: Connection[] = [];
    for (let reader = 0; reader < 30; reader++) {
      slow.push(await readNothing());
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
    const slow = await readNothing();
    await until('the cut', async () => (await unread()) > before, { timeoutMs: 60_000, periodMs: 500 });
    slow.socket.resume();
    await slow.closed;
  }, 90_000);
});
