import { afterEach, describe, expect, test } from 'vitest';
import { STALE_NAN } from '../../../scorer/output/remote-write/encode.ts';
import { PrometheusClient } from '../../../scorer/prometheus/client.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import type { Receiver } from '../../testserver/receiver.ts';
import { fleet, labels, NOW, score, WritingBed } from './writing-bed.ts';

const bed = new WritingBed();
afterEach(() => bed.clear());

const exchanges = ({ requests }: Receiver) => requests.map(({ version, status }) => `${version} ${status}`);
const versions = (log: readonly string[]) => log.flatMap((line) => /version=(\S+)/.exec(line)?.[1] ?? []);

test('a receiver of 2.0 gets 2.0 from the first request on', async () => {
  const { receiver, writer, log } = await bed.withReceiver();
  const outcome = await writer.write([...fleet(2500), { ...score('gone'), stale: true }]);
  expect(outcome).toMatchObject({ accepted: 2501, dropped: {}, requests: 2 });
  expect(exchanges(receiver)).toEqual(['2.0 204', '2.0 204']);
  expect(receiver.samples(labels('gone'))).toEqual([{ bits: STALE_NAN, timestampMs: NOW }]);
  expect(receiver.samples(labels('s1250'))).toEqual([{ bits: 0x3fe0000000000000n, timestampMs: NOW }]);
  expect(versions(log)).toEqual(['2.0']);
});

test('several times of a series are one series of a request', async () => {
  const { receiver, writer } = await bed.withReceiver();
  await writer.write([3, 1, 2].flatMap((at) => fleet(5, NOW + at)));
  expect(exchanges(receiver)).toEqual(['2.0 204']);
  expect(receiver.samples(labels('s4')).map(({ timestampMs }) => timestampMs - NOW)).toEqual([1, 2, 3]);
});

describe('a receiver of 1.0', () => {
  test.each([
    ['unsupported', 415],
    ['invalid', 400],
    ['ignored', 204],
  ] as const)('that finds 2.0 %s gets 1.0, and nothing is lost', async (otherVersion, status) => {
    const { receiver, writer, log } = await bed.withReceiver({ versions: ['1.0'], otherVersion });
    expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, dropped: {} });
    expect(await writer.write(fleet(10, NOW + 1))).toMatchObject({ accepted: 10, dropped: {} });
    expect(exchanges(receiver)).toEqual([`2.0 ${status}`, '1.0 204', '1.0 204']);
    expect(receiver.accepted()).toBe(20);
    expect(versions(log)).toEqual(['1.0']);
  });

  test('may reject single series', async () => {
    const { receiver, writer } = await bed.withReceiver({ versions: ['1.0'] });
    receiver.refuseSeries(({ service }) => service === 's7');
    expect(await writer.write(fleet(100))).toMatchObject({ accepted: 99, dropped: { 400: 1 } });
  });

  test('that fails at first is asked again which version it takes', async () => {
    const { receiver, writer } = await bed.withReceiver({ versions: ['1.0'] });
    receiver.answerNext({ status: 503 }, { status: 404 });
    expect(await writer.write(fleet(3))).toMatchObject({ accepted: 0, dropped: { 404: 3 } });
    expect(await writer.write(fleet(3, NOW + 1))).toMatchObject({ accepted: 3, dropped: {} });
    expect(exchanges(receiver)).toEqual(['2.0 503', '2.0 404', '2.0 415', '1.0 204']);
  });

  test('gets nothing if only 2.0 is configured, and the log says why', async () => {
    const { receiver, writer, log } = await bed.withReceiver({ versions: ['1.0'] }, { version: '2.0' });
    expect(await writer.write(fleet(3))).toMatchObject({ accepted: 0, dropped: { 415: 3 } });
    expect(exchanges(receiver)).toEqual(['2.0 415']);
    expect(log.join('\n')).toContain('status 415');
  });

  test('that ignores 2.0 does not pass for one that wrote, if only 2.0 is configured', async () => {
    const { writer, log } = await bed.withReceiver({ versions: ['1.0'], otherVersion: 'ignored' }, { version: '2.0' });
    expect(await writer.write(fleet(3))).toMatchObject({ accepted: 0, dropped: { not_written: 3 } });
    expect(log.join('\n')).toContain('the receiver wrote 0 of 3 samples');
  });
});

test.each([401, 403, 404, 422, 429])('status %i says nothing about the version', async (status) => {
  const { receiver, writer } = await bed.withReceiver();
  receiver.answerNext({ status });
  await writer.write(fleet(3));
  await writer.write(fleet(3, NOW + 1));
  expect(exchanges(receiver)).toEqual([`2.0 ${status}`, '2.0 204', ...(status === 429 ? ['2.0 204'] : [])]);
});

test('of a partial write, what the receiver counts is accepted, and nothing is sent twice', async () => {
  const { receiver, writer, log } = await bed.withReceiver();
  const bad = new Set(['s7', 's70']);
  receiver.refuseSeries(({ service }) => bad.has(service ?? ''));
  expect(await writer.write(fleet(100))).toMatchObject({ accepted: 98, dropped: { 400: 2 }, requests: 1 });
  expect(receiver.accepted()).toBe(98);
  expect(log.join('\n')).toContain('s7');
  receiver.refuseSeries(() => false);
  expect(await writer.write(fleet(100, NOW + 1))).toMatchObject({ accepted: 100, dropped: {} });
});

test('a receiver that rejects a whole request gets its parts', async () => {
  const { receiver, writer } = await bed.withReceiver();
  const none = { 'x-prometheus-remote-write-samples-written': '0' };
  receiver.answerNext({ status: 400, headers: none, body: 'one is invalid' });
  expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, dropped: {}, requests: 3 });
});

test('another writer of the same series is a conflict', async () => {
  const { receiver, writer, log } = await bed.withReceiver();
  const other = bed.startWriter(receiver.url).writer;
  await other.write(fleet(3, NOW + 10));
  expect(await writer.write(fleet(3))).toMatchObject({ accepted: 0, dropped: { conflict: 3 } });
  expect(log.join('\n')).toContain('another writer writes these series');
});

test('success without the samples is a loss, not a success', async () => {
  const { receiver, writer, log } = await bed.withReceiver();
  receiver.answerNext({ status: 200, headers: { 'x-prometheus-remote-write-samples-written': '4' } });
  expect(await writer.write(fleet(10))).toMatchObject({ accepted: 4, dropped: { not_written: 6 } });
  expect(log.join('\n')).toContain('the receiver wrote 4 of 10 samples');
});

test('Prometheus stores the samples in the version that it supports, and only drops the invalid ones', async () => {
  const prometheus = await startPrometheus();
  bed.onClear(() => prometheus.stop());
  const build = (await (await fetch(`${prometheus.url}/api/v1/status/buildinfo`)).json()) as BuildInfo;
  const { writer, log } = bed.startWriter(`${prometheus.url}/api/v1/write`);
  const other = bed.startWriter(`${prometheus.url}/api/v1/write`).writer;
  const prom = new PrometheusClient({ url: prometheus.url, http: bed.httpClient() });
  expect(await writer.write(fleet(100))).toMatchObject({ accepted: 100, dropped: {} });
  expect((await prom.samples('anomaly_score', NOW - 1000, NOW)).series).toHaveLength(100);
  expect(versions(log)).toEqual([supportsSecond(build.data.version) ? '2.0' : '1.0']);
  const later = [score('s1', 9, NOW - 10_000), ...fleet(100, NOW + 1).slice(2)];
  expect(await other.write(later)).toMatchObject({ accepted: 98, dropped: { conflict: 1 } });
  expect((await prom.samples('anomaly_score', NOW, NOW + 1)).series).toHaveLength(98);
});

interface BuildInfo {
  readonly data: { readonly version: string };
}

/** Prometheus receives 2.0 from 2.54 on. One that was built with `go build` has no version. */
function supportsSecond(version: string): boolean {
  return !/^(1|2\.([0-9]|[1-4]\d|5[0-3]))\./.test(version);
}
