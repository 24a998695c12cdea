import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assemble } from '../../../traces/assemble.ts';
import { span } from '../../../traces/spans.testdata.ts';
import { EventReader } from '../events/events.ts';
import { TraceSample } from './trace-sample.ts';
import { TraceGenerator } from '../events/traces.testdata.ts';

const HOUR = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'traces-'));
afterAll(() => rmSync(folder, { recursive: true }));

function sample(maxTraces = 2400, maxBytes = 1e7, events = 'tree'): TraceSample {
  const options = { events, historyMs: 24 * HOUR, intervalMs: 60_000, maxTraces, maxBytes, seed: 1 };
  return new TraceSample(new EventReader('tree'), options);
}

const one = (name: string, atMs: number) =>
  assemble([span('root', undefined, { kind: 'server', name, startMs: atMs })]);
const rootsOf = (of: TraceSample) => {
  const roots = new Map<string, number>();
  for (const { sequence } of of.sequences()) {
    const { key } = sequence.events[0]!.representative;
    roots.set(key, (roots.get(key) ?? 0) + 1);
  }
  return roots;
};

describe('a sample of traces', () => {
  it('keeps rare operations and weighs what it has left out', () => {
    const traces = sample();
    for (let i = 0; i < 5000; i++) traces.add(one('GET /often', HOUR + i), HOUR + i);
    for (let i = 0; i < 5; i++) traces.add(one('GET /seldom', HOUR + i), HOUR + 5000);
    expect(traces.size.traces).toBe(100);
    expect(rootsOf(traces)).toEqual(
      new Map([
        ['client>shop/a GET /often', 95],
        ['client>shop/a GET /seldom', 5],
      ]),
    );
    const weights = traces.sequences().map(({ weight }) => weight);
    expect(weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(5005);
    expect(traces.perStep).toBeCloseTo(5005 / 60);
  });

  it('is even over time within an operation', () => {
    const traces = sample();
    for (let i = 0; i < 10_000; i++) traces.add(one('GET /', HOUR + i), HOUR + i);
    const middle = traces.sequences().filter(({ sequence }) => sequence.atMs < HOUR + 5000).length;
    expect(Math.abs(middle - 50)).toBeLessThan(15);
  });

  it('forgets what is older than the history', () => {
    const traces = sample();
    for (let hour = 0; hour < 40; hour++) traces.add(one(`GET /at${hour}x`, hour * HOUR), hour * HOUR);
    const times = traces.sequences().map(({ sequence }) => sequence.atMs / HOUR);
    expect(Math.min(...times)).toBe(15);
    expect(times).toHaveLength(25);
    traces.expire(200 * HOUR);
    expect(traces.size).toEqual({ traces: 0, bytes: 0 });
  });

  it('leaves times out', () => {
    const traces = sample();
    for (let hour = 0; hour < 10; hour++) traces.add(one('GET /', hour * HOUR), hour * HOUR);
    const usual = traces.without((atMs) => atMs >= 3 * HOUR && atMs < 5 * HOUR);
    expect(usual.sequences().map(({ sequence }) => sequence.atMs / HOUR)).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
    expect(usual.perStep).toBe(traces.perStep);
  });

  it('is bounded in bytes', () => {
    const traces = sample(1e6, 240_000);
    for (const trace of new TraceGenerator(1).traces(1000, HOUR)) traces.add(trace, 2 * HOUR);
    expect(traces.size.bytes).toBeLessThanOrEqual(20_000);
    expect(traces.size.traces).toBeGreaterThan(10);
  });

  it('comes back from its file', async () => {
    const path = join(folder, 'models', 'traces.bin');
    const traces = sample();
    for (const trace of new TraceGenerator(3).traces(300, HOUR)) traces.add(trace, 2 * HOUR);
    await traces.save(path);
    const again = sample();
    expect(await again.load(path, 2 * HOUR)).toBeUndefined();
    expect(again.sequences()).toEqual(traces.sequences());
    expect(again.perStep).toBeCloseTo(traces.perStep);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string, string]>([
    ['damaged', (bytes) => Buffer.from(bytes).fill(1, 500, 501), 'tree', 'it is damaged'],
    ['cut off', (bytes) => bytes.subarray(0, 600), 'tree', 'it is damaged'],
    ['empty', () => Buffer.alloc(0), 'tree', 'it is damaged'],
    ['of other settings', (bytes) => bytes, 'start', 'it was made with other order or patterns'],
  ])('is empty after a file that is %s', async (_, change, events, reason) => {
    const path = join(folder, 'bad.bin');
    const traces = sample();
    for (const trace of new TraceGenerator(3).traces(30, HOUR)) traces.add(trace, 2 * HOUR);
    await traces.save(path);
    writeFileSync(path, change(readFileSync(path)));
    const again = sample(2400, 1e7, events);
    expect(await again.load(path, 2 * HOUR)).toBe(`${path}: ${reason}`);
    expect(again.size.traces).toBe(0);
  });

  it('is empty without a file', async () => {
    expect(await sample().load(join(folder, 'none.bin'), HOUR)).toBeUndefined();
  });
});
