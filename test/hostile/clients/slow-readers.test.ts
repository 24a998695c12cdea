import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupMount } from '../../../microsim/controller/cgroup.ts';
import { until } from '../../until.ts';
import { type Connection, dial, hangUp } from './connection.ts';
import { run, type Running } from './running.ts';
import { report, watchProgram } from './watch.ts';

/** Targets with a cgroup each, whose long names make the page large: more than fits between two sockets. */
const TARGETS = 60;
const NAME = 'n'.repeat(250);
const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-readers-'));
const cgroups = Array.from({ length: TARGETS }, (_, index) =>
  join(findCgroupMount(), `lorikeet-hostile-${process.pid}-${index}`),
);
let exporter: Running;
let pageBytes: number;

beforeAll(async () => {
  for (const path of cgroups) mkdirSync(path);
  const target = (path: string) =>
    `  - { namespace: '${NAME}', service: '${NAME}', pod: '${basename(path)}', cgroup: '/${basename(path)}' }\n`;
  writeFileSync(join(folder, 'targets.yaml'), `targets:\n${cgroups.map(target).join('')}`);
  exporter = await run('exporter', { cwd: folder, args: ['--targets.file=targets.yaml'] });
  pageBytes = (await (await fetch(`${exporter.url}/metrics`)).text()).length;
});
afterAll(async () => {
  await exporter?.kill();
  for (const path of cgroups) rmdirSync(path);
  rmSync(folder, { recursive: true });
});

/** Asks for the page and reads none of it. */
async function readNothing(): Promise<Connection> {
  const connection = await dial(exporter.port);
  connection.socket.pause();
  connection.socket.write(GET);
  return connection;
}

const unread = () => exporter.value('lorikeet_exporter_web_refusals_total{reason="unread"}');

describe('clients that do not read a large page', () => {
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
    report(`30 readers of nothing, pages of ${(pageBytes / 1e6).toFixed(1)} MB`, seen);
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
