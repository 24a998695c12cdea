import { afterEach, describe, expect, test } from 'vitest';
import type { Sample } from '../../../scorer/output/remote-write/sample.ts';
import { SeriesLedger } from '../../../scorer/output/samples.ts';
import { STALE_NAN } from '../../../scorer/output/remote-write/encode.ts';
import { fleet, labels, NOW, score, WritingBed } from './writing-bed.ts';

/**
 * What a sender must do by the specifications of remote write, in both versions:
 * https://prometheus.io/docs/specs/prw/remote_write_spec/ and https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 * The receiver refuses every request that violates them (test/testserver/receiver.ts).
 */
const bed = new WritingBed();
afterEach(() => bed.clear());

const statuses = (requests: readonly { readonly status: number }[]) => requests.map(({ status }) => status);
const labelled = (own: Readonly<Record<string, string>>, timestampMs = NOW): Sample => ({
  name: 'anomaly_score',
  labels: own,
  value: 1,
  timestampMs,
});

describe.each(['1.0', '2.0'] as const)('a sender of %s', { timeout: 60_000 }, (version) => {
  test.each([429, 500, 501, 502, 503, 504, 507, 599])('sends again after %i', async (status) => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    receiver.answerNext({ status }, { status });
    expect(await writer.write(fleet(3))).toMatchObject({ accepted: 3, dropped: {}, requests: 3 });
    expect(statuses(receiver.requests)).toEqual([status, status, 204]);
  });

  test.each([300, 304, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422, 425, 431, 451])(
    'does not send a sample again after %i',
    async (status) => {
      const { receiver, writer } = await bed.withReceiver({}, { version });
      receiver.answerNext({ status });
      const outcome = await writer.write(fleet(1));
      expect(outcome).toMatchObject({
        accepted: 0,
        dropped: { [status === 409 ? 'conflict' : status]: 1 },
        requests: 1,
      });
      expect(await writer.write(fleet(1, NOW + 1))).toMatchObject({ accepted: 1 });
      expect(statuses(receiver.requests)).toEqual([status, 204]);
    },
  );

  test.each([200, 201, 202, 204])('does not send a sample again after %i', async (status) => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    receiver.answerNext({ status, body: (response) => response.end() });
    expect(await writer.write(fleet(3))).toMatchObject({ accepted: 3, dropped: {}, requests: 1 });
    expect(receiver.requests).toMatchObject([{ status, samples: 3 }]);
  });

  test('sorts labels by their bytes, has no label twice and none that is empty', async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    const odd = { b: '2', A: '1', _z: '3', a_: '4', a0: '5', a: '6', empty: '', Z9: '鸚鵡 \u{1f99c}' };
    expect(await writer.write([labelled(odd)])).toMatchObject({ accepted: 1, dropped: {} });
    const { empty: _empty, ...present } = odd;
    expect(receiver.samples({ __name__: 'anomaly_score', ...present })).toHaveLength(1);
  });

  test.each([{ __name__: 'other' }, { 'a-b': '1' }, { '1a': '1' }, { '': '1' }, { 'a:b': '1' }])(
    'never sends the labels %j',
    async (invalid) => {
      const { receiver, writer } = await bed.withReceiver({}, { version });
      expect(await writer.write([labelled(invalid)])).toMatchObject({ accepted: 0, dropped: { invalid: 1 } });
      expect(receiver.requests).toEqual([]);
    },
  );

  test('keeps the order of a series through failures, batches and cycles', async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version, maxSamplesPerSend: 3 });
    receiver.answerNext({ status: 503 }, 'cut', { status: 429 }, { status: 500 });
    const cycles = [0, 1, 2, 3].map((at) => writer.write([...fleet(4, NOW + 2 * at + 1), ...fleet(4, NOW + 2 * at)]));
    for (const outcome of await Promise.all(cycles)) expect(outcome).toMatchObject({ accepted: 8, dropped: {} });
    expect(receiver.samples(labels('s3')).map(({ timestampMs }) => timestampMs - NOW)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(statuses(receiver.requests)).not.toContain(400);
  });

  test('ends a series that is no longer written with a stale marker, once', async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    const ledger = new SeriesLedger();
    for (const [at, services] of [['a', 'b'], ['a'], ['a']].entries()) {
      const samples = services.map((service) => score(service, 1, NOW + at));
      await writer.write(ledger.withStaleMarkers(samples, NOW + at));
    }
    expect(receiver.samples(labels('a')).map(({ bits }) => bits === STALE_NAN)).toEqual([false, false, false]);
    expect(receiver.samples(labels('b')).map(({ bits }) => bits === STALE_NAN)).toEqual([false, true]);
  });
});

test.each(['0', '2', 'many', '-1', ''])(
  'a 503 is sent again as a whole, whatever it says is written: %j',
  async (text) => {
    const { receiver, writer } = await bed.withReceiver({}, { version: '2.0' });
    receiver.answerNext({ status: 503, headers: { 'x-prometheus-remote-write-samples-written': text } });
    expect(await writer.write(fleet(5))).toMatchObject({ accepted: 5, dropped: {}, requests: 2 });
  },
);

test.each(['many', '-1', '1.5', ''])('a 2xx that says %j instead of a number says nothing', async (text) => {
  const { receiver, writer } = await bed.withReceiver({}, { version: '2.0' });
  receiver.answerNext({ status: 200, headers: { 'x-prometheus-remote-write-samples-written': text } });
  expect(await writer.write(fleet(5))).toMatchObject({ accepted: 0, dropped: { not_written: 5 }, requests: 1 });
});

test('a 2xx that says that more is written than was sent wrote all', async () => {
  const { receiver, writer } = await bed.withReceiver({}, { version: '2.0' });
  receiver.answerNext({ status: 200, headers: { 'x-prometheus-remote-write-samples-written': '99' } });
  expect(await writer.write(fleet(5))).toMatchObject({ accepted: 5, dropped: {}, requests: 1 });
});
