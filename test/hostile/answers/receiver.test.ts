import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { fleet, NOW, WritingBed } from '../../scorer/remote-write/writing-bed.ts';
import { keeps, record } from '../table/keeps.ts';
import { flood } from './servers/flood.ts';

const bed = new WritingBed();
afterEach(() => bed.clear());

const statuses = (requests: readonly { readonly status: number }[]) => requests.map(({ status }) => status);

describe.each(['1.0', '2.0'] as const)('a receiver of %s', { timeout: 60_000 }, (version) => {
  it.each([
    ['a large body', (response: ServerResponse) => response.end('x'.repeat(3_000_000))],
    ['a body without end', (response: ServerResponse) => void flood(response, '', 'x')],
    ['a body that never comes', (response: ServerResponse) => response.flushHeaders()],
    [
      'a body that breaks off',
      (response: ServerResponse) => void response.write('x', () => response.socket?.destroy()),
    ],
    ['a body that is no gzip', (response: ServerResponse) => response.end('no gzip')],
  ])(
    'that takes the samples and answers 200 with %s is not sent them again',
    keeps('bodies_of_2xx'),
    async (what, body) => {
      const { receiver, writer, events } = await bed.withReceiver({}, { version });
      const headers = what === 'a body that is no gzip' ? { 'content-encoding': 'gzip' } : {};
      receiver.answerNext({ status: 200, headers, body });
      expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, dropped: {}, requests: 1 });
      expect(await writer.write(fleet(10, NOW + 1))).toMatchObject({ accepted: 10, dropped: {}, requests: 1 });
      record({ requests_per_write: receiver.requests.length / 2 });
      expect(receiver.accepted()).toBe(20);
      expect(events).toEqual(['accepted 10', 'accepted 10']);
    },
  );

  it('that has the series of another writer is not asked for each of them', keeps('two_scorers'), async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    const other = bed.startWriter(receiver.url, { version }).writer;
    await other.write(fleet(2000, NOW + 10));
    const outcome = await writer.write(fleet(2000));
    expect(outcome).toMatchObject({ accepted: 0, dropped: { conflict: 2000 } });
    expect(outcome.requests).toBeLessThan(30);
  });

  it('whose disk is full for many attempts gets the samples once it has space', keeps('prometheus_full'), async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version, maxAttempts: 2 });
    const full = { status: 500, body: 'write to WAL: log samples: write /data/wal/00000000: no space left on device' };
    receiver.answerNext(full, full, full, full);
    expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, dropped: {}, requests: 5 });
  });

  it('that answers 503 with a body without end is asked again', keeps('bodies_of_2xx'), async () => {
    const { receiver, writer } = await bed.withReceiver({}, { version });
    receiver.answerNext({ body: (response) => void flood(response, '', 'x'), status: 503 });
    expect(await writer.write(fleet(10))).toMatchObject({ accepted: 10, dropped: {}, requests: 2 });
  });

  it.each(['99999999', '999999999999', new Date(NOW + 10 * 365 * 86_400_000).toUTCString()])(
    'that wants to be asked again after %s is asked again near the interval',
    keeps('retry_after'),
    async (retryAfter) => {
      const { receiver, writer } = await bed.withReceiver({}, { version, maxRetryAfterMs: 1000 });
      receiver.answerNext({ status: 503, headers: { 'retry-after': retryAfter } });
      const startedMs = performance.now();
      const outcomes = await Promise.all([writer.write(fleet(10)), writer.write(fleet(10, NOW + 1))]);
      record({ seconds: (performance.now() - startedMs) / 1000 });
      for (const outcome of outcomes) expect(outcome).toMatchObject({ accepted: 10, dropped: {} });
      expect(statuses(receiver.requests)).toEqual([503, 204, 204]);
    },
  );
});
