import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readScorerConfig } from '../../../scorer/config.ts';
import { CHANNELS, readFeatures, SERVICE_SERIES } from '../../../scorer/features/features.ts';
import { SHIPPED_FEATURES } from '../../../scorer/paths.ts';
import { picturePath } from '../../../scorer/tensor-pages/pages.ts';
import { saveLearnedState } from '../../scorer/learned-state.ts';
import { INTERVAL_MS, ScorerBed, trueTime } from '../../scorer/running-scorer.ts';
import { RunningProgram, shipped } from '../../running-program.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { until } from '../../until.ts';
import { keeps, record, recordWatched } from '../table/keeps.ts';
import { dial, dialMany, hangUp, statusesIn } from './connection.ts';
import { watchProgram } from './watch.ts';

const SERVICES = Array.from({ length: 30 }, (_, index) => ({ namespace: 'shop', service: `service-${index}` }));
const request = (index: number) => `GET ${picturePath(SERVICES[index % SERVICES.length]!)} HTTP/1.1\r\nHost: a\r\n\r\n`;
/** What a busy machine may cost; while a thousand pictures are drawn it is ten and more. */
const FEW_CYCLES = 5;
const bed = new ScorerBed();
let scorer: RunningProgram;

const skipped = () => scorer.value('lorikeet_scorer_cycles_skipped_total');
const refused = (reason: string) => scorer.value(`lorikeet_scorer_web_refusals_total{reason="${reason}"}`);

/** A scorer of the shipped features, 30 services and a cycle each second. */
beforeAll(async () => {
  const prometheus = await startPrometheus();
  bed.onClear(() => prometheus.stop());
  const write = `${prometheus.url}/api/v1/write`;
  const set = readFeatures(SHIPPED_FEATURES);
  const config = bed.configure('scorer', prometheus.url, write, {
    output: 'metrics',
    features: SHIPPED_FEATURES,
    steps: '[0, 1, 2, 3, 4, 6, 8, 12, 16, 24]',
  });
  await saveLearnedState(readScorerConfig(config), set, { services: SERVICES, edges: [], usual: () => 1 });
  const writer = bed.writer(write, { maxBackoffMs: INTERVAL_MS });
  const timer = setInterval(() => {
    const timestampMs = trueTime();
    const samples = SERVICES.flatMap((service) =>
      set.features.flatMap(({ name: feature }) =>
        CHANNELS.map((channel) => ({
          name: SERVICE_SERIES,
          labels: { ...service, feature, channel },
          value: 0.9 + 0.2 * Math.random(),
          timestampMs,
        })),
      ),
    );
    void writer.write(samples);
  }, INTERVAL_MS / 2);
  bed.onClear(() => clearInterval(timer));
  const flags = [`--config.file=${config}`, '--web.listen-address=127.0.0.1:0'];
  scorer = await RunningProgram.start(shipped('scorer', 'run', ...flags), { watchLoop: true });
  bed.onClear(() => scorer.kill());
  const scored = () => scorer.value('lorikeet_scorer_services{state="scored"}');
  await until('the services to be scored', async () => (await scored()) === SERVICES.length, {
    timeoutMs: 40_000,
    seen: () => scorer.log.join('\n'),
  });
}, 90_000);
afterAll(() => bed.clear());

describe('pictures of tensors', keeps('pictures'), () => {
  it('1,000 requests on one connection end it, and the cycles go on', async () => {
    const before = await skipped();
    const watch = watchProgram(scorer);
    const connection = await dial(scorer.port);
    connection.socket.write(Array.from({ length: 1000 }, (_, index) => request(index)).join(''));
    await connection.closed;
    await sleep(2 * INTERVAL_MS);
    const seen = await watch.stop();
    recordWatched(seen);
    record({ skipped: (await skipped()) - before });
    expect(statusesIn(connection.received()).length).toBeLessThanOrEqual(16);
    expect(seen.unhealthy).toBe(0);
    expect((await skipped()) - before).toBeLessThan(FEW_CYCLES);
    expect(await refused('pipelined')).toBe(1);
  });

  it('100 connections that ask for all of them again and again get pictures or 503, and the cycles go on', async () => {
    const before = await skipped();
    const watch = watchProgram(scorer);
    let asked = 0;
    const statuses = new Set<number>();
    const connections = await dialMany(100, scorer.port, '');
    for (const { socket } of connections) {
      socket.on('data', (chunk) => {
        for (const status of statusesIn(chunk.toString('latin1'))) {
          statuses.add(status);
          if (!socket.destroyed) socket.write(request(asked++));
        }
      });
      socket.write(request(asked++));
    }
    await until('2,000 requests', () => asked > 2000, { timeoutMs: 25_000 });
    hangUp(connections);
    const seen = await watch.stop();
    recordWatched(seen);
    record({ skipped: (await skipped()) - before });
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses).toContain(200);
    expect(seen.unhealthy).toBe(0);
    expect((await skipped()) - before).toBeLessThan(FEW_CYCLES);
  });

  it('nothing is drawn for clients that have left', async () => {
    const connections = await dialMany(
      100,
      scorer.port,
      Array.from({ length: 16 }, (_, index) => request(index)).join(''),
    );
    hangUp(connections);
    const seen = watchProgram(scorer);
    await sleep(INTERVAL_MS);
    expect(await seen.stop()).toMatchObject({ unhealthy: 0 });
    const answer = await fetch(scorer.url + picturePath(SERVICES[0]!));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
  });
});
