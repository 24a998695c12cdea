import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Rejection } from '../otlp/error.ts';
import { jsonRequest, otlpSpan, type TestSpan } from '../otlp/requests.testdata.ts';
import type { Span } from '../span.ts';
import { readOtlpFiles } from './otlp-files.ts';
import { RECORDING_LIMITS, streamTraces } from './trace-stream.ts';

let folder = '';
const folders: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-otlp-files-'));
  folders.push(folder);
});
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true })));

const line = (...spans: TestSpan[]) => jsonRequest([{ resource: { 'service.name': 'cart' }, spans }]);
const at = (second: number) => ({
  startTimeUnixNano: `${1_700_000_000 + second}000000000`,
  endTimeUnixNano: `${1_700_000_000 + second}500000000`,
});
const id = (number: number) => number.toString(16).padStart(16, '0');
const traceId = (number: number) => number.toString(16).padStart(32, '0');
const options = { defaultNamespace: 'shop' };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('readOtlpFiles', () => {
  it('reads a directory by name, plain and gzipped, and traces across files', async () => {
    const child = otlpSpan({ traceId: traceId(1), spanId: id(2), parentSpanId: id(1), ...at(1) });
    const root = otlpSpan({ traceId: traceId(1), spanId: id(1), parentSpanId: '', ...at(0) });
    const other = otlpSpan({ traceId: traceId(2), spanId: id(1), parentSpanId: '', ...at(500) });
    writeFileSync(join(folder, 'b.json'), Buffer.concat([line(root), Buffer.from('\n\n'), line(other)]));
    writeFileSync(join(folder, 'a.jsonl.gz'), gzipSync(Buffer.concat([line(child), Buffer.from('\n')])));
    writeFileSync(join(folder, 'README.md'), '# no spans');
    const traces = await all(streamTraces(readOtlpFiles(folder, options)));
    expect(traces.map((trace) => [trace.complete, trace.spans.length, trace.root?.spanId])).toEqual([
      [true, 2, id(1)],
      [true, 1, id(1)],
    ]);
  });

  it('counts spans that are none', async () => {
    const rejected: Rejection[] = [];
    writeFileSync(join(folder, 'a.json'), line(otlpSpan({ spanId: 'x' }), otlpSpan()));
    const spans = await all(readOtlpFiles(join(folder, 'a.json'), { ...options, onRejected: (r) => rejected.push(r) }));
    expect([spans.length, rejected.length]).toEqual([1, 1]);
  });

  it.each<[string, string, string | Buffer, RegExp]>([
    ['a line that is no JSON', 'a.json', `{"resourceSpans":[]}\n\nx`, /a\.json:2: expected a line of OTLP JSON/],
    ['what is no gzip', 'a.json.gz', 'x', /a\.json\.gz: not readable/],
    ['half a gzip', 'a.json.gz', gzipSync(line(otlpSpan())).subarray(0, 50), /a\.json\.gz: not readable/],
    ['no files', 'a.txt', '', /expected files named/],
  ])('names the file of %s', async (_name, name, text, message) => {
    writeFileSync(join(folder, name), text);
    await expect(all(readOtlpFiles(folder, options))).rejects.toThrow(message);
  });

  it('says that there is no such file', async () => {
    await expect(all(readOtlpFiles(join(folder, 'none'), options))).rejects.toThrow(/none: no such file/);
  });
});

describe('streamTraces', () => {
  it('holds no more than what is open by the clock of the recording', async () => {
    let open = 0;
    let most = 0;
    async function* spans(): AsyncGenerator<Span> {
      writeFileSync(join(folder, 'one.json'), line(otlpSpan()));
      const [span] = await all(readOtlpFiles(join(folder, 'one.json'), options));
      for (let i = 0; i < 20_000; i++) {
        most = Math.max(most, ++open);
        yield { ...span!, traceId: traceId(i), startMs: i * 100 };
      }
    }
    for await (const trace of streamTraces(spans())) open -= trace.spans.length;
    expect(open).toBe(0);
    expect(most).toBeLessThan((RECORDING_LIMITS.waitMs + 2000) / 100);
  });
});
