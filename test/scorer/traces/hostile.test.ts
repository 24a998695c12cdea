import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../../daemon/wire/protobuf.ts';
import { jsonRequest, otlpSpan, protobufRequest, writeSpan } from '../../../scorer/traces/otlp/requests.testdata.ts';
import { JSON_HEADERS, post, PROTOBUF_HEADERS, receive } from './receiver-bed.ts';

const MIB = 1024 * 1024;
const GZIP = { 'content-encoding': 'gzip' };
const good = jsonRequest([{ resource: { 'service.name': 'cart' }, spans: [otlpSpan()] }]);

/** `pattern` again and again within `around`, to just below 4 MiB. */
function filled(pattern: Uint8Array | string, around: readonly [string, string] = ['', '']): Buffer {
  const [before, after] = around.map((text) => Buffer.from(text));
  const unit = Buffer.from(pattern);
  const count = Math.floor((4 * MIB - before!.length - after!.length) / unit.length);
  return Buffer.concat([before!, Buffer.alloc(count * unit.length, unit), after!]);
}

/** A request with one span that is good but for what `more` adds to it. */
function withSpan(more: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter().message(1, (resource) =>
    resource.message(2, (scope) =>
      scope.message(2, (span) => {
        writeSpan(span, otlpSpan());
        more(span);
      }),
    ),
  );
  return Uint8Array.from(writer.finish());
}

/** `levels` messages within each other, each the field that `field` says of its level. */
function nested(levels: number, field: (level: number) => number): Uint8Array {
  // From the inside to the outside, as lengths come first; half a megabyte of lengths is quadratic any other way.
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let level = levels - 1; level >= 0; level--) {
    const head = new ProtobufWriter(16).varint(field(level), length).finish().slice();
    head[0] = field(level) * 8 + 2;
    parts.push(head);
    length += head.length;
  }
  return Buffer.concat(parts.reverse());
}

const ATTRIBUTES_OF_ONE_SPAN = [
  '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","attributes":[',
  '{}]}]}]}]}',
] as const;

const BODIES: readonly [string, number, () => Uint8Array, Record<string, string>][] = [
  ['empty resources', 413, () => filled(Buffer.from('0a00', 'hex')), PROTOBUF_HEADERS],
  ['empty spans', 413, () => framed(filled(Buffer.from('1200', 'hex')).subarray(0, 4 * MIB - 100)), PROTOBUF_HEADERS],
  [
    'attributes of one span',
    200,
    () =>
      withSpan((w) => {
        for (let i = 0; i < 1e6; i++) w.message(9, () => undefined);
      }),
    PROTOBUF_HEADERS,
  ],
  [
    'fields of one attribute',
    200,
    () => withSpan((w) => w.message(9, (a) => a.bytes(15, filled('x').subarray(0, 3 * MIB)))),
    PROTOBUF_HEADERS,
  ],
  [
    'unknown fields of one span',
    200,
    () =>
      withSpan((w) => {
        for (let i = 0; i < 1e6; i++) w.varint(99, 1);
      }),
    PROTOBUF_HEADERS,
  ],
  ['a name of 4 MB', 200, () => withSpan((w) => w.string(5, 'n'.repeat(4e6))), PROTOBUF_HEADERS],
  ['groups within groups', 400, () => Buffer.alloc(4 * MIB, 0x0b), PROTOBUF_HEADERS],
  [
    'messages within messages',
    200,
    () =>
      withSpan((w) =>
        w.message(9, (a) =>
          a.bytes(
            2,
            nested(60_000, (level) => (level % 2 === 0 ? 5 : 1)),
          ),
        ),
      ),
    PROTOBUF_HEADERS,
  ],
  ['lists within lists', 400, () => Buffer.from('['.repeat(2 * MIB - 1) + ']'.repeat(2 * MIB - 1)), JSON_HEADERS],
  ['open lists', 400, () => Buffer.alloc(4 * MIB, '['), JSON_HEADERS],
  ['empty objects', 400, () => filled('{},', ['{"resourceSpans":[', '{}]}']), JSON_HEADERS],
  ['numbers', 400, () => filled('1,', ['{"resourceSpans":[', '1]}']), JSON_HEADERS],
  [
    'attributes of one span in JSON',
    200,
    () => filled('{"key":"aaaaaaaa","value":{}},', ATTRIBUTES_OF_ONE_SPAN),
    JSON_HEADERS,
  ],
  ['keys of one object', 400, () => filled('"":0,', ['{"resourceSpans":[{', '"":0}]}']), JSON_HEADERS],
  ['a string that never ends', 400, () => Buffer.alloc(4 * MIB, '"\\"'), JSON_HEADERS],
  ['backslashes', 400, () => Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(4 * MIB - 10, '\\')]), JSON_HEADERS],
  ['what is no UTF-8', 400, () => Buffer.alloc(4 * MIB, 0xff), JSON_HEADERS],
  ['a gzip bomb', 413, () => gzipSync(Buffer.alloc(512 * MIB)), { ...PROTOBUF_HEADERS, ...GZIP }],
  ['gzip within gzip', 400, () => gzipSync(gzipSync(Buffer.alloc(64 * MIB))), { ...PROTOBUF_HEADERS, ...GZIP }],
];

/** Spans of one resource. */
function framed(spans: Uint8Array): Uint8Array {
  return Uint8Array.from(new ProtobufWriter().message(1, (resource) => resource.bytes(2, spans)).finish());
}

describe('a hostile body', () => {
  it.each(BODIES)('of %s gets %i, and takes little time and no memory', async (_name, status, body, headers) => {
    const { url, traces, receiver } = await receive();
    const bytes = body();
    expect((await post(url, good, JSON_HEADERS)).status).toBe(200);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    const start = process.cpuUsage();
    for (let i = 0; i < 3; i++) expect((await post(url, bytes, headers)).status).toBe(status);
    const { user, system } = process.cpuUsage(start);
    // Both ends are in this process. Without bounds these take seconds and hundreds of megabytes.
    expect((user + system) / 3 / 1000).toBeLessThan(500);
    expect((process.memoryUsage.rss() - before) / MIB).toBeLessThan(150);
    expect((await post(url, good, JSON_HEADERS)).status).toBe(200);
    await sleep(250);
    await receiver.sweep();
    for (const trace of traces) for (const span of trace.spans) expect(span.name.length).toBeLessThanOrEqual(256);
  });

  it('that says it is too large is refused before it is sent', async () => {
    const { url } = await receive();
    const sent = request(url, { method: 'POST', headers: { ...JSON_HEADERS, 'content-length': String(1e12) } });
    sent.on('error', () => undefined);
    sent.flushHeaders();
    const status = await new Promise((resolve) => sent.on('response', (answer) => resolve(answer.statusCode)));
    expect(status).toBe(413);
    sent.destroy();
  });

  it.each([
    ['slow', 1],
    ['endless', 100_000],
  ])('that is %s is ended by its deadline', async (_name, chunk) => {
    const { address, url } = await receive({ limits: { headersMs: 300, requestMs: 600, checkMs: 50 } });
    const [host = '', port] = address.split(':');
    const socket = connect(Number(port), host);
    let answer = '';
    socket.on('data', (data) => (answer += data.toString())).on('error', () => undefined);
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const writer = setInterval(() => socket.write(`${chunk.toString(16)}\r\n${' '.repeat(chunk)}\r\n`), 5);
    const closed = await Promise.race([
      new Promise((resolve) => socket.once('close', () => resolve(true))),
      sleep(5000),
    ]);
    clearInterval(writer);
    socket.destroy();
    expect(closed).toBe(true);
    expect(answer).toMatch(/^HTTP\/1.1 (408|413) /);
    expect((await post(url, good, JSON_HEADERS)).status).toBe(200);
  });

  it('whose sender leaves costs nothing', async () => {
    const { url } = await receive({ keys: { max_body: 1000 } });
    for (let i = 0; i < 50; i++) {
      const sent = request(url, { method: 'POST', headers: { ...JSON_HEADERS, 'content-length': '900' } });
      sent.on('error', () => undefined).write('x'.repeat(800), () => sent.destroy());
      await new Promise((resolve) => sent.once('close', resolve));
    }
    await sleep(100);
    expect((await post(url, good, JSON_HEADERS)).status).toBe(200);
  });
});

describe('a large request', () => {
  it('is read in slices', async () => {
    const { url } = await receive({ keys: { max_body: 32 * MIB } });
    const spans = Array.from({ length: 100_000 }, (_, i) =>
      otlpSpan({ spanId: (i + 1).toString(16).padStart(16, '0') }),
    );
    const body = protobufRequest([{ resource: {}, spans }]);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    expect((await post(url, body, PROTOBUF_HEADERS)).status).toBe(200);
    clearInterval(timer);
    // It takes about half a second on one idle core.
    expect(turns).toBeGreaterThan(20);
  });
});

describe('very many traces', () => {
  it('stay within the bounds, the oldest going first', async () => {
    const { url, metric, receiver } = await receive({ keys: { wait: '1m', max_traces: 500, max_spans: 1000 } });
    let sent = 0;
    for (let batch = 0; batch < 20; batch++) {
      const spans = Array.from({ length: 500 }, () => otlpSpan({ traceId: (++sent).toString(16).padStart(32, '0') }));
      expect((await post(url, protobufRequest([{ resource: {}, spans }]), PROTOBUF_HEADERS)).status).toBe(200);
    }
    await receiver.sweep();
    expect(await metric('lorikeet_scorer_trace_store_traces')).toBe(500);
    expect(await metric('lorikeet_scorer_spans_dropped_total{reason="store_full"}')).toBe(sent - 500);
    expect(await metric('lorikeet_scorer_traces_completed_total{complete="false"}')).toBe(0);
  });
});
