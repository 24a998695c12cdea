import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { untilValue } from '../../until.ts';
import { flood } from './servers/flood.ts';
import { startFakePrometheus, type FakePrometheus } from './servers/prometheus-api.ts';

const MIB = 2 ** 20;
/** What a query may have sent before the scorer hangs up, with the buffers of the sockets. */
const MAX_SENT = 64 * MIB;
/** The scorer itself has 150 MiB or more; the attacks made it 2.3 GB. */
const MAX_GROWTH = 400 * MIB;

let folder: string;
let api: FakePrometheus;
let scorer: ChildProcess;
let address: string;
let log: string;
let ended: Promise<unknown>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-prometheus-'));
  api = await startFakePrometheus();
  address = `127.0.0.1:${await freePort()}`;
  log = '';
  writeFileSync(
    join(folder, 'features.yaml'),
    "windows: [1s, 2s, 4s]\nfeatures:\n  - { name: cpu, expr: 'm[$window]', scale: log }\n",
  );
  writeFileSync(
    join(folder, 'scorer.yaml'),
    `prometheus: { url: '${api.url}', timeout: 20s }
output: metrics
interval: 1s
delay: 300ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
`,
  );
  const program = [resolve('dist/lorikeet-scorer.js'), 'run', `--config.file=${join(folder, 'scorer.yaml')}`];
  scorer = spawn(process.execPath, [...program, `--web.listen-address=${address}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  ended = once(scorer, 'exit');
  scorer.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
});
afterEach(async () => {
  expect(api.violations).toEqual([]);
  scorer.kill('SIGKILL');
  await ended;
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (path: string) => await (await fetch(`http://${address}${path}`)).text();

async function total(metric: string): Promise<number> {
  const text = await get('/metrics').catch(() => '');
  const lines = text.split('\n').filter((line) => line.startsWith(`lorikeet_scorer_${metric}`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const untilTotal = (metric: string, count: number) =>
  untilValue(
    `${count} of ${metric}`,
    () => total(metric),
    (seen) => seen >= count,
    { timeoutMs: 30_000, periodMs: 100, seen: () => log.slice(-2000) },
  );

/** The most memory that the scorer has had, in bytes. */
function peak(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${scorer.pid}/status`, 'utf8'))?.[1]);
}

const isForServices = (query: URLSearchParams) => (query.get('query') ?? '').startsWith('service:lorikeet_feature');
const HEAD = '{"status":"success","data":{"resultType":"matrix","result":[';
const CART =
  '"__name__":"service:lorikeet_feature:window","namespace":"shop","service":"cart","feature":"cpu","channel":"red"';
const now = () => Math.floor(Date.now() / 1000);

describe('a Prometheus', { timeout: 120_000 }, () => {
  it.each([
    ['50 MB of nested lists', '', '[', 50 * MIB],
    ['a series without end', `${HEAD}{"metric":{${CART}},"values":[`, `[${now()},"1"],`, 2 ** 30],
    ['a label without end', `${HEAD}{"metric":{"a":"`, 'x', 2 ** 30],
    ['a list in a series without end', `${HEAD}{"metric":{${CART}},"values":[`, '[', 2 ** 30],
    ['a list of series that never begins', HEAD, ' ', 2 ** 30],
    ['a start without end', '{"status":"success","warnings":["', 'x', 2 ** 30],
    ['an end without end', `${HEAD}{"metric":{${CART}},"values":[]}]},"warnings":["`, 'x', 2 ** 30],
  ])('that answers with %s is hung up on, and nothing grows', async (_what, start, unit, bytes) => {
    await untilTotal('last_cycle_timestamp_seconds', 1);
    const before = peak();
    const sent: Promise<number>[] = [];
    api.misbehave((query, response) => {
      if (!isForServices(query)) return false;
      sent.push(flood(response, start, unit, { bytes }));
      return true;
    });
    await untilTotal('query_failures_total', 2);
    expect(await get('/-/healthy')).toContain('is healthy');
    api.misbehave(() => false);
    expect(Math.max(...(await Promise.all(sent.slice(0, 2))))).toBeLessThan(MAX_SENT);
    expect(peak() - before).toBeLessThan(MAX_GROWTH);
  });

  it('that answers with an error without end is hung up on, and the error is that of its status', async () => {
    await untilTotal('last_cycle_timestamp_seconds', 1);
    const before = peak();
    const sent: Promise<number>[] = [];
    api.misbehave((query, response) => {
      if (!isForServices(query)) return false;
      response.statusCode = 503;
      sent.push(flood(response, '{"status":"error","error":"', 'x'));
      return true;
    });
    await untilTotal('query_failures_total{code="SERVER"}', 2);
    api.misbehave(() => false);
    expect(Math.max(...(await Promise.all(sent.slice(0, 2))))).toBeLessThan(MAX_SENT);
    expect(peak() - before).toBeLessThan(MAX_GROWTH);
    expect(Math.max(...log.split('\n').map(({ length }) => length))).toBeLessThan(4000);
  });

  it('that answers with ever new services fills no memory', async () => {
    await untilTotal('last_cycle_timestamp_seconds', 1);
    const before = peak();
    api.misbehave((query, response) => {
      if (!isForServices(query)) return false;
      void newServices(response, 300_000);
      return true;
    });
    await untilTotal('series_rejected_total{reason="too_many"}', 1);
    expect(peak() - before).toBeLessThan(2 * MAX_GROWTH);
    expect(await get('/-/healthy')).toContain('is healthy');
  });
});

async function newServices(response: ServerResponse, count: number): Promise<void> {
  response.on('error', () => undefined);
  response.write(`${HEAD}{"metric":{${CART}},"values":[[${now()},"1"]]}`);
  for (let made = 0; made < count && !response.destroyed; made += 1000) {
    const series = Array.from(
      { length: 1000 },
      (_, at) => `,{"metric":{${CART.replace('cart', `s${made + at}`)}},"values":[[${now()},"1"]]}`,
    );
    response.write(series.join(''));
    await new Promise((done) => setImmediate(done));
  }
  response.end(']}}');
}
