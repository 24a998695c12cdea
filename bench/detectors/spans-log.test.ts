import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { meanResponseTimes, readSpans, SpansLog } from './spans-log.ts';

const span = (kind: number, startMs: number, durationMs: number) => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'POST /buy',
  kind,
  startTimeUnixNano: String(BigInt(startMs) * 1_000_000n),
  endTimeUnixNano: String(BigInt(startMs + durationMs) * 1_000_000n),
  attributes: [{ key: 'url.path', value: { stringValue: '/buy' } }],
});

it('keeps the server spans that are sent to it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-spans-log-'));
  try {
    const path = join(folder, 'spans.jsonl');
    const log = new SpansLog(path);
    await log.start();
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }] };
    const spans = [span(2, 1000, 250), span(3, 1000, 200)];
    const response = await fetch(`${log.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    });
    expect(response.status).toBe(200);
    await log.stop();
    expect(readSpans(path)).toEqual([[1250, 250, 'cart /buy']]);
    expect([log.received, log.invalid]).toEqual([1, 0]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('takes the mean of the requests that end in a step, in seconds', () => {
  const means = meanResponseTimes(
    [
      [1500, 100, 'cart /buy'],
      [2000, 300, 'cart /buy'],
      [2001, 1000, 'cart /buy'],
      [1500, 50, 'ad /buy'],
    ],
    1000,
  );
  expect([...means.get('cart /buy')!]).toEqual([
    [2, 0.2],
    [3, 1],
  ]);
  expect([...means.get('ad /buy')!]).toEqual([[2, 0.05]]);
});
