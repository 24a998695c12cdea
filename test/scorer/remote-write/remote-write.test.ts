import { afterEach, expect, test } from 'vitest';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { STALE_NAN } from '../../../scorer/output/remote-write/encode.ts';
import type { RemoteWriterOptions } from '../../../scorer/output/remote-write/options.ts';
import { freePort } from '../../../scripts/free-port.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { fleet, labels, NOW, score, WritingBed } from './writing-bed.ts';
import { until } from '../../until.ts';

const bed = new WritingBed();
afterEach(() => bed.clear());

/** Everything here is of version 1.0. */
const startWriter = (url: string, options: Partial<RemoteWriterOptions> = {}) =>
  bed.startWriter(url, { version: '1.0', ...options });
const withReceiver = (options: Partial<RemoteWriterOptions> = {}) =>
  bed.withReceiver({}, { version: '1.0', ...options });

test('a cycle is sent in batches that a strict receiver accepts', async () => {
  const { receiver, writer, events } = await withReceiver();
  const outcome = await writer.write([...fleet(4500), { ...score('gone'), stale: true }]);
  expect(outcome).toMatchObject({ accepted: 4501, dropped: {}, requests: 3 });
  expect(receiver.requests.map(({ status, samples }) => [status, samples])).toEqual([
    [204, 2000],
    [204, 2000],
    [204, 501],
  ]);
  expect(receiver.samples(labels('gone'))).toEqual([{ bits: STALE_NAN, timestampMs: NOW }]);
  expect(receiver.samples(labels('s2250'))).toEqual([{ bits: 0x3fe0000000000000n, timestampMs: NOW }]);
  expect(events).toEqual(['accepted 2000', 'accepted 2000', 'accepted 501']);
});

test.each([
  ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ['500', { status: 500 }],
  ['503', { status: 503, headers: { 'retry-after': new Date(NOW - 5000).toUTCString() } }],
  ['connect', 'cut'],
] as const)('%s is retried until it works, and logged once', async (code, answer) => {
  const { receiver, writer, events, log } = await withReceiver();
  receiver.answerNext(answer, answer, answer);
  expect(await writer.write(fleet(3))).toMatchObject({ accepted: 3, dropped: {} });
  expect(events.filter((event) => event !== `failed ${code}`)).toEqual(['accepted 3']);
  expect(events.length).toBeGreaterThanOrEqual(4);
  expect(log.map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual([
    'remote write failed, retrying',
    'remote write works again',
  ]);
});

test('waits for Retry-After', async () => {
  const { receiver, writer } = await withReceiver();
  receiver.answerNext({ status: 429, headers: { 'retry-after': '1' } });
  const started = performance.now();
  expect(await writer.write(fleet(1))).toMatchObject({ accepted: 1, requests: 2 });
  expect(performance.now() - started).toBeGreaterThanOrEqual(990);
});

test('a hanging receiver is a timeout, and the same samples may be sent twice', async () => {
  const { receiver, writer, events } = await withReceiver({ http: bed.httpClient(100) });
  receiver.answerNext('hang');
  expect(await writer.write(fleet(1))).toMatchObject({ accepted: 1 });
  expect(events).toEqual(['failed timeout', 'accepted 1']);
});

test.each([401, 404, 422, 302])('status %i is never retried', async (status) => {
  const { receiver, writer, events } = await withReceiver();
  receiver.answerNext({ status });
  expect(await writer.write(fleet(5))).toMatchObject({ accepted: 0, dropped: { [status]: 5 }, requests: 1 });
  expect(events).toEqual([`failed ${status}`, `dropped ${status} 5`]);
});

test('a permanent status 500 is given up, so that later samples are sent', async () => {
  const { receiver, writer } = await withReceiver({ maxAttempts: 3 });
  const poison = { status: 500 };
  receiver.answerNext(poison, poison, poison);
  const [first, second] = await Promise.all([writer.write(fleet(2)), writer.write(fleet(2, NOW + 1))]);
  expect(first).toMatchObject({ accepted: 0, dropped: { 500: 2 }, requests: 3 });
  expect(second).toMatchObject({ accepted: 2, requests: 1 });
});

test('valid series of a rejected request are written, invalid ones logged', async () => {
  const { receiver, writer, log } = await withReceiver();
  const bad = new Set(['s7', 's1234']);
  receiver.refuseSeries(({ service }) => bad.has(service ?? ''));
  const outcome = await writer.write(fleet(2000));
  expect(outcome).toMatchObject({ accepted: 1998, dropped: { 400: 2 } });
  expect(outcome.requests).toBeLessThanOrEqual(1 + 2 * 2 * Math.ceil(Math.log2(2000)));
  expect(receiver.accepted()).toBe(1998);
  expect(log.join('\n')).toContain('s7');
});

test('the search for invalid series is limited, and no accepted one is lost', async () => {
  const { receiver, writer } = await withReceiver({ maxBisections: 20 });
  receiver.refuseSeries(({ service }) => Number(service?.slice(1)) % 2 === 0);
  const outcome = await writer.write(fleet(1000));
  expect(outcome.requests).toBe(21);
  expect(outcome.accepted + (outcome.dropped['400'] ?? 0)).toBe(1000);
  expect(receiver.accepted()).toBe(outcome.accepted);
});

test('a request that is too large is sent in halves', async () => {
  const { receiver, writer } = await withReceiver();
  receiver.answerNext({ status: 413 });
  expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, requests: 3 });
});

test('samples are dropped when they are too old, with the last error', async () => {
  const { receiver, writer } = await withReceiver({ retryAgeMs: 300 });
  receiver.answerAll({ status: 503, headers: { 'retry-after': '3600' } });
  const outcome = await writer.write([...fleet(2, Date.now()), score('old', 1, Date.now() - 1000)]);
  expect(outcome).toMatchObject({ accepted: 0, dropped: { 503: 2, too_old: 1 } });
});

test('an unreachable receiver is retried until the samples are too old', async () => {
  const { writer, log } = startWriter(`http://127.0.0.1:${await freePort()}/api/v1/write`, { retryAgeMs: 100 });
  const outcome = await writer.write(fleet(2, Date.now()));
  expect(outcome).toMatchObject({ accepted: 0, dropped: { connect: 2 } });
  expect(outcome.requests).toBeGreaterThan(1);
  expect(log.map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual([
    'remote write failed, retrying',
    'samples dropped',
  ]);
});

test('the newest cycles replace the oldest, even during a retry', async () => {
  const { receiver, writer } = await withReceiver({ maxQueuedSamples: 25, maxBackoffMs: 5000 });
  receiver.answerAll({ status: 503, headers: { 'retry-after': '3600' } });
  const cycles = [0, 1, 2, 3].map((i) => writer.write(fleet(10, NOW + i)));
  expect(await cycles[0]).toMatchObject({ accepted: 0, dropped: { queue_full: 10 } });
  expect(await cycles[1]).toMatchObject({ accepted: 0, dropped: { queue_full: 10 }, requests: 0 });
  await until('the third cycle fails', () => receiver.requests.length >= 2, { timeoutMs: 20_000 });
  receiver.answerAll(undefined);
  const huge = writer.write(fleet(30, NOW + 9));
  expect(await cycles[2]).toMatchObject({ accepted: 0, dropped: { queue_full: 10 } });
  expect(await cycles[3]).toMatchObject({ dropped: { queue_full: 10 } });
  expect(await huge).toMatchObject({ accepted: 30, dropped: {} });
});

test('no sample is sent out of order, twice or in violation of the specification', async () => {
  const { receiver, writer, log } = await withReceiver();
  await writer.write([score('a', 1, NOW), score('b', 1, NOW - 50)]);
  const outcome = await writer.write([
    score('a', 2, NOW - 10),
    score('b', 2, NOW - 10),
    score('c', 1, NOW + 1),
    score('c', 2, NOW + 1),
    score('c', 3, NOW),
    { ...score('d'), name: 'not-a-name' },
  ]);
  expect(outcome).toMatchObject({ accepted: 3, dropped: { out_of_order: 1, duplicate: 1, invalid: 1 } });
  expect(receiver.requests.map(({ status }) => status)).toEqual([204, 204]);
  expect(log.join('\n')).toContain('not-a-name');
  expect(receiver.samples(labels('c')).map(({ timestampMs }) => timestampMs - NOW)).toEqual([0, 1]);
});

test('no series goes back in time across batches with several times', async () => {
  const { receiver, writer } = await withReceiver({ maxSamplesPerSend: 7 });
  const shuffled = [3, 0, 4, 1, 2].flatMap((at) => fleet(10, NOW + at));
  expect(await writer.write(shuffled)).toMatchObject({ accepted: 50, dropped: {} });
  expect(receiver.samples(labels('s9')).map(({ timestampMs }) => timestampMs - NOW)).toEqual([0, 1, 2, 3, 4]);
});

test('close sends waiting samples, and accepts no more', async () => {
  const { receiver, writer } = await withReceiver();
  receiver.answerNext({ status: 503 });
  const waiting = [writer.write(fleet(5)), writer.write(fleet(5, NOW + 1))];
  await writer.close(20_000);
  expect(receiver.accepted()).toBe(10);
  for (const outcome of await Promise.all(waiting)) expect(outcome).toMatchObject({ accepted: 5 });
  expect(await writer.write(fleet(2))).toMatchObject({ accepted: 0, dropped: { closed: 2 }, requests: 0 });
});

test.each([
  ['hanging', 'hang'],
  ['refusing', { status: 503, headers: { 'retry-after': '3600' } }],
] as const)('close gives up on a %s receiver at its deadline', async (_name, answer) => {
  const { receiver, writer } = await withReceiver();
  receiver.answerAll(answer);
  const waiting = [writer.write(fleet(5)), writer.write(fleet(5, NOW + 1))];
  await until('the first request comes', () => receiver.requests.length === 1, { timeoutMs: 20_000 });
  await writer.close(30);
  for (const outcome of await Promise.all(waiting))
    expect(outcome).toMatchObject({ accepted: 0, dropped: { closed: 5 } });
});

test('an HTTP client closed first drops waiting samples', async () => {
  const http = bed.httpClient();
  const { receiver, writer } = await withReceiver({ http });
  receiver.answerAll('hang');
  const waiting = writer.write(fleet(5));
  await until('the request comes', () => receiver.requests.length === 1, { timeoutMs: 20_000 });
  await http.close();
  expect(await waiting).toMatchObject({ accepted: 0, dropped: { closed: 5 } });
});

test('Prometheus stores the samples, ends stale series, and only rejects the invalid sample', async () => {
  const prometheus = await startPrometheus();
  bed.onClear(() => prometheus.stop());
  const { writer } = startWriter(`${prometheus.url}/api/v1/write`);
  const other = startWriter(`${prometheus.url}/api/v1/write`).writer;
  const prom = new PrometheusClient({ url: prometheus.url, http: bed.httpClient() });
  const at = NOW - 60_000;
  const present = async (time: number) =>
    (await prom.query('anomaly_score', time)).series.map((series) => series.labels['service']);

  expect(await writer.write(fleet(100, at))).toMatchObject({ accepted: 100 });
  expect((await prom.samples('anomaly_score{service="s50"}', at - 1000, at)).series).toEqual([
    { labels: { ...labels('s50') }, timestamps: Float64Array.of(at), values: Float64Array.of(0.5) },
  ]);

  // Another sender has its own state, and one of its samples is out of order.
  const outcome = await other.write([score('s1', 9, at - 10_000), ...fleet(100, at + 10_000).slice(2)]);
  expect(outcome).toMatchObject({ accepted: 98, dropped: { conflict: 1 } });

  expect(await present(at + 20_000)).toHaveLength(100);
  await writer.write([{ ...score('s5', 0, at + 20_000), stale: true }]);
  expect(await present(at + 20_000)).not.toContain('s5');
  expect(await present(at + 20_000)).toHaveLength(99);
});
