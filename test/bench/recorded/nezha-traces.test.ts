import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readTraces } from '../../../bench/recorded/nezha/traces.ts';
import type { Trace } from '../../../scorer/traces/span.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-nezha-traces-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HEAD = 'TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration';
const GATEWAY = 'ts-gateway-service-6f6cfc45b-d9pnv';
const ORDER = 'ts-order-service-5b67c48447-fj8b7';
const START = 1_675_078_742_000;

/** Times in milliseconds after START. */
const row = (id: string, parent: string, pod: string, name: string, start: number, end: number) =>
  `8344c6bbb62a68a3eaebf0077ca7f7e5,${id},${parent},${pod},${name},${START + start}000000,${START + end}000000,${(end - start) * 1000}`;

async function tracesOf(): Promise<Trace[]> {
  const traces: Trace[] = [];
  for await (const trace of readTraces(folder)) traces.push(trace);
  return traces;
}

describe('recorded traces', () => {
  it('get kinds by the tree, and join across files', async () => {
    const first = [row('a', 'root', GATEWAY, '/*', 0, 100), row('b', 'a', GATEWAY, 'HTTP GET', 10, 90)];
    const second = [
      row('c', 'b', ORDER, '/api/v1/order', -500, -460),
      row('d', 'c', ORDER, 'Repository.find', -490, -470),
      row('e', 'd', ORDER, 'SELECT ts.orders', -489, -471),
    ];
    writeFileSync(join(folder, '11_51_trace.csv.gz'), gzipSync([HEAD, ...first].join('\n')));
    writeFileSync(join(folder, '11_52_trace.csv'), [HEAD, ...second, ''].join('\r\n'));
    const [trace, ...more] = await tracesOf();
    expect(more).toEqual([]);
    expect(trace?.complete).toBe(true);
    expect(
      trace?.spans.map((span) => [span.spanId, span.service.service, span.kind, span.startMs - START, span.url]),
    ).toEqual([
      ['a', 'ts-gateway-service', 'server', 0, '/*'],
      ['b', 'ts-gateway-service', 'client', 10, undefined],
      // Centred in its client span: the clocks of the two nodes differ.
      ['c', 'ts-order-service', 'server', 30, '/api/v1/order'],
      ['d', 'ts-order-service', 'internal', 40, undefined],
      ['e', 'ts-order-service', 'client', 41, undefined],
    ]);
  });

  it.each([
    ['other columns', 'a,b,c', /11_51_trace.csv: expected the columns/],
    ['a broken row', `${HEAD}\n1,2,3`, /11_51_trace.csv:2: expected a span/],
  ])('name the file with %s', async (_name, text, message) => {
    rmSync(join(folder, '11_51_trace.csv.gz'), { force: true });
    writeFileSync(join(folder, '11_51_trace.csv'), text);
    await expect(tracesOf()).rejects.toThrow(message);
  });
});
