import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningProgram } from '../../running-program.ts';
import { untilValue } from '../../until.ts';
import { Bench } from '../bench.ts';
import { watchProgram } from '../clients/watch.ts';
import { keeps, record, recordWatched } from '../table/keeps.ts';
import { flood } from './servers/flood.ts';
import { startFakePrometheus, type FakePrometheus } from './servers/prometheus-api.ts';

const MIB = 2 ** 20;
/** What a query may have sent before the scorer hangs up, with the buffers of the sockets. */
const MAX_SENT = 64 * MIB;
/** The scorer itself has 150 MiB or more; the attacks made it 2.3 GB. */
const MAX_GROWTH = 400 * MIB;

let bench: Bench;
let api: FakePrometheus;
let scorer: RunningProgram;

beforeEach(async () => {
  bench = new Bench();
  api = await startFakePrometheus();
  bench.write('features.yaml', "windows: [1s, 2s, 4s]\nfeatures:\n  - { name: cpu, expr: 'm[$window]', scale: log }\n");
  bench.write(
    'scorer.yaml',
    `prometheus: { url: '${api.url}', timeout: 20s }
output: metrics
interval: 1s
delay: 300ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
`,
  );
  scorer = await bench.start('scorer', [], { watchLoop: true });
  await untilTotal('last_cycle_timestamp_seconds', 1);
});
afterEach(async () => {
  expect(api.violations).toEqual([]);
  bench.remove();
  await api.stop();
});

const untilTotal = (metric: string, count: number) =>
  untilValue(
    `${count} of ${metric}`,
    () => scorer.total(`lorikeet_scorer_${metric}`).catch(() => 0),
    (seen) => seen >= count,
    { timeoutMs: 30_000, periodMs: 100, seen: () => scorer.log.slice(-15).join('\n') },
  );

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
  ])(
    'that answers with %s is hung up on, and nothing grows',
    keeps('prometheus_endless'),
    async (_what, start, unit, bytes) => {
      const watch = watchProgram(scorer);
      const sent: Promise<number>[] = [];
      api.misbehave((query, response) => {
        if (!isForServices(query)) return false;
        sent.push(flood(response, start, unit, { bytes }));
        return true;
      });
      await untilTotal('query_failures_total', 2);
      api.misbehave(() => false);
      await expectBounds(watch, sent);
    },
  );

  it(
    'that answers with an error without end is hung up on, and the error is that of its status',
    keeps('prometheus_endless'),
    async () => {
      const watch = watchProgram(scorer);
      const sent: Promise<number>[] = [];
      api.misbehave((query, response) => {
        if (!isForServices(query)) return false;
        response.statusCode = 503;
        sent.push(flood(response, '{"status":"error","error":"', 'x'));
        return true;
      });
      await untilTotal('query_failures_total{code="SERVER"}', 2);
      api.misbehave(() => false);
      await expectBounds(watch, sent);
      expect(Math.max(...scorer.log.map(({ length }) => length))).toBeLessThan(4000);
    },
  );

  it('that answers with ever new services fills no memory', keeps('new_services'), async () => {
    const watch = watchProgram(scorer);
    api.misbehave((query, response) => {
      if (!isForServices(query)) return false;
      void newServices(response, 300_000);
      return true;
    });
    await untilTotal('series_rejected_total{reason="too_many"}', 1);
    const seen = await watch.stop();
    recordWatched(seen);
    expect(seen.addedBytes).toBeLessThan(2 * MAX_GROWTH);
    expect(seen.unhealthy).toBe(0);
  });
});

/** @param sent what left for each query */
async function expectBounds(watch: ReturnType<typeof watchProgram>, sent: readonly Promise<number>[]): Promise<void> {
  const most = Math.max(...(await Promise.all(sent.slice(0, 2))));
  const seen = await watch.stop();
  recordWatched(seen);
  record({ sent_megabytes: most / 1e6 });
  expect(most).toBeLessThan(MAX_SENT);
  expect(seen.addedBytes).toBeLessThan(MAX_GROWTH);
  expect(seen.unhealthy).toBe(0);
}

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
