import { afterEach, expect, test } from 'vitest';
import { parseConfig } from '../../daemon/config-file.ts';
import { createLogger } from '../../daemon/logger.ts';
import { until } from '../../test/until.ts';
import { type Receiver, startReceiver } from '../../test/testserver/receiver.ts';
import { remoteWriteSchema } from '../endpoints.ts';
import { ScorerMetrics } from '../metrics.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteTargets } from './remote-targets.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(): Promise<Receiver> {
  const receiver = await startReceiver();
  stops.push(() => receiver.stop());
  return receiver;
}

function open(yaml: string) {
  const log: string[] = [];
  const metrics = new ScorerMetrics();
  const logger = createLogger({ write: (line) => void log.push(line) });
  const targets = new RemoteTargets(parseConfig('scorer.yaml', yaml, remoteWriteSchema), {
    intervalMs: 1000,
    logger,
    metrics,
  });
  stops.push(() => targets.close());
  const metric = async (name: string) =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`lorikeet_scorer_${name}{`));
  return { targets, log, metric };
}

const NOW = Date.now();
const fleet = (size: number, timestampMs = NOW): Sample[] =>
  Array.from({ length: size }, (_, i) => ({
    name: 'anomaly_score',
    labels: { service: `s${i}` },
    value: 1,
    timestampMs,
  }));

test('every target gets every sample, and has metrics of its own without secrets', async () => {
  const [one, two] = [await start(), await start()];
  const withUser = one.url.replace('://', '://me:hunter2@');
  const { targets, metric } = open(`[{url: "${withUser}?token=hunter2"}, {url: "${two.url}", name: second}]`);
  await targets.write(fleet(5));
  expect([one.accepted(), two.accepted()]).toEqual([5, 5]);
  expect(await metric('samples_written_total')).toEqual([
    `lorikeet_scorer_samples_written_total{remote_name="${one.url}",url="${one.url}"} 5`,
    `lorikeet_scorer_samples_written_total{remote_name="second",url="${two.url}"} 5`,
  ]);
});

test('a target that hangs holds up neither the other nor its own newest samples', async () => {
  const [fast, slow] = [await start(), await start()];
  slow.answerAll('hang');
  const { targets, metric } = open(`[{url: "${fast.url}"}, {url: "${slow.url}", name: slow, timeout: 200ms}]`);
  const written = Array.from({ length: 20 }, (_, i) => targets.write(fleet(5, NOW + i)));
  await until('the fast target has all', () => fast.accepted() === 100, { timeoutMs: 20_000 });
  expect(slow.accepted()).toBe(0);
  slow.answerAll(undefined);
  await Promise.all(written);
  expect(slow.accepted()).toBe(100);
  expect((await metric('write_failures_total')).join('\n')).toMatch(/remote_name="slow",url="[^"]+",code="timeout"/);
});

test('a target that refuses everything is named in the log and in the metrics', async () => {
  const [good, bad] = [await start(), await start()];
  bad.answerAll({ status: 404 });
  const { targets, log, metric } = open(`[{url: "${good.url}"}, {url: "${bad.url}", name: bad}]`);
  await targets.write(fleet(5));
  expect(good.accepted()).toBe(5);
  expect(await metric('samples_dropped_total')).toEqual([
    `lorikeet_scorer_samples_dropped_total{remote_name="bad",url="${bad.url}",reason="404"} 5`,
  ]);
  const warned = log.filter((line) => line.includes('level=warn'));
  expect(warned).toHaveLength(1);
  expect(warned[0]).toContain('remote_name=bad');
});

test('targets may differ in headers and version', async () => {
  const [one, two] = [await start(), await start()];
  const { targets } = open(
    `[{url: "${one.url}", protobuf_message: prometheus.WriteRequest, max_samples_per_send: 2}, {url: "${two.url}"}]`,
  );
  await targets.write(fleet(5));
  expect(one.requests.map(({ version, samples }) => [version, samples])).toEqual([
    ['1.0', 2],
    ['1.0', 2],
    ['1.0', 1],
  ]);
  expect(two.requests.map(({ version, samples }) => [version, samples])).toEqual([['2.0', 5]]);
});

test('closing sends what waits at every target', async () => {
  const [one, two] = [await start(), await start()];
  const { targets } = open(`[{url: "${one.url}"}, {url: "${two.url}"}]`);
  const written = targets.write(fleet(5));
  await targets.close();
  await written;
  expect([one.accepted(), two.accepted()]).toEqual([5, 5]);
});

test('a successor writes what its predecessor was not rid of, in order, to the targets that are still there', async () => {
  const [away, removed, fine] = [await start(), await start(), await start()];
  away.answerAll({ status: 503 });
  removed.answerAll({ status: 503 });
  const first = open(`[{url: "${away.url}"}, {url: "${removed.url}"}, {url: "${fine.url}"}]`);
  const times = [NOW, NOW + 1000, NOW + 2000];
  for (const time of times) void first.targets.write(fleet(5, time));
  await until('the first attempts', () => fine.accepted() === 15 && away.requests.length > 0);
  const unsent = await first.targets.release();
  const left = [away, removed, fine].map(({ url }) => unsent.get(`${url} ${url}`)?.length);
  expect(left).toEqual([15, 15, 0]);
  expect((await first.metric('samples_dropped_total')).filter((line) => !line.endsWith(' 0'))).toEqual([]);
  const second = open(`[{url: "${fine.url}"}, {url: "${away.url}"}]`);
  away.answerAll(undefined);
  await Promise.all([second.targets.inherit(unsent), second.targets.write(fleet(5, NOW + 3000))]);
  const written = away.samples({ __name__: 'anomaly_score', service: 's4' }).map(({ timestampMs }) => timestampMs);
  expect(written).toEqual([...times, NOW + 3000]);
  expect([away.accepted(), removed.accepted(), fine.accepted()]).toEqual([20, 0, 20]);
});
