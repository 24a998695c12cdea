import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, it } from 'vitest';
import { jsonRequest, otlpSpan, protobufRequest } from '../../../scorer/traces/otlp/requests.testdata.ts';
import { until } from '../../until.ts';
import { readFields } from '../../testserver/protobuf-reader.ts';
import { JSON_HEADERS, post, PROTOBUF_HEADERS, receive } from './receiver-bed.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-otlp-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SHOP = { 'service.name': 'cart', 'service.namespace': 'shop' };
const root = otlpSpan({ spanId: 'aaaaaaaaaaaaaaaa', parentSpanId: '' });
const child = otlpSpan({ parentSpanId: 'aaaaaaaaaaaaaaaa' });
const bad = otlpSpan({ traceId: 'abcd' });
const one = [{ resource: SHOP, spans: [root, child] }];

/** The fields of a message by their numbers: a number, or bytes. */
const fieldsOf = (message: Uint8Array) =>
  new Map(
    readFields(message).map(({ number, value }) => [
      number,
      typeof value === 'bigint' ? Number(value) : Buffer.from(value),
    ]),
  );

describe('POST /v1/traces', () => {
  it.each([
    ['protobuf', protobufRequest(one), PROTOBUF_HEADERS, ''],
    ['protobuf and gzip', gzipSync(protobufRequest(one)), { ...PROTOBUF_HEADERS, 'content-encoding': 'gzip' }, ''],
    ['JSON', jsonRequest(one), JSON_HEADERS, '{}'],
    ['JSON with a charset', jsonRequest(one), { 'content-type': 'Application/JSON; charset=utf-8' }, '{}'],
    ['JSON and gzip', gzipSync(jsonRequest(one)), { ...JSON_HEADERS, 'content-encoding': 'gzip' }, '{}'],
  ])('takes %s and hands the trace over', async (_name, body, headers, answer) => {
    const { url, traces, metric } = await receive();
    const reply = await post(url, body, headers);
    expect([reply.status, reply.body.toString()]).toEqual([200, answer]);
    expect(reply.type).toBe(headers['content-type'].toLowerCase().split(';')[0]);
    await until('the trace', () => traces.length === 1);
    expect(traces[0]).toMatchObject({ complete: true, root: { spanId: root.spanId }, spans: [{}, {}] });
    expect(await metric('lorikeet_scorer_spans_received_total')).toBe(2);
    expect(await metric('lorikeet_scorer_traces_completed_total{complete="true"}')).toBe(1);
    expect(await metric('lorikeet_scorer_trace_requests_total{code="200"}')).toBe(1);
  });

  it('takes an empty request', async () => {
    const { url } = await receive();
    expect(await post(url, new Uint8Array(), PROTOBUF_HEADERS)).toMatchObject({ status: 200, body: Buffer.from('') });
    expect((await post(url, Buffer.from('{}'), JSON_HEADERS)).status).toBe(200);
  });

  it('says how many spans it rejected, and why', async () => {
    const { url, metric } = await receive();
    const partlyBad = [{ resource: SHOP, spans: [bad, root, bad] }];
    const json = await post(url, jsonRequest(partlyBad), JSON_HEADERS);
    const errorMessage = 'expected a trace id of 16 bytes that are not all zero';
    expect([json.status, JSON.parse(json.body.toString())]).toEqual([
      200,
      { partialSuccess: { rejectedSpans: '2', errorMessage } },
    ]);
    const protobuf = await post(url, protobufRequest(partlyBad), PROTOBUF_HEADERS);
    const partialSuccess = fieldsOf(fieldsOf(protobuf.body).get(1) as Buffer);
    expect([protobuf.status, partialSuccess.get(1), String(partialSuccess.get(2))]).toEqual([200, 2, errorMessage]);
    expect(await metric('lorikeet_scorer_spans_dropped_total{reason="invalid"}')).toBe(4);
  });

  it('counts a span that comes twice, and rejects none', async () => {
    const { url, metric } = await receive();
    for (let i = 0; i < 2; i++) expect((await post(url, jsonRequest(one), JSON_HEADERS)).body.toString()).toBe('{}');
    expect(await metric('lorikeet_scorer_spans_dropped_total{reason="duplicate"}')).toBe(2);
  });

  it.each<[string, number, Uint8Array, Record<string, string>, RegExp]>([
    ['what is no protobuf', 400, Buffer.from('<html>'), PROTOBUF_HEADERS, /not an ExportTraceServiceRequest/],
    ['what is no JSON', 400, Buffer.from('<html>'), JSON_HEADERS, /not JSON/],
    ['what is no gzip', 400, Buffer.from('x'), { ...JSON_HEADERS, 'content-encoding': 'gzip' }, /not gzip/],
    [
      'half of a gzip',
      400,
      gzipSync(jsonRequest(one)).subarray(0, 60),
      { ...JSON_HEADERS, 'content-encoding': 'gzip' },
      /not gzip/,
    ],
    ['a body that is too large', 413, Buffer.alloc(2000, 0x20), JSON_HEADERS, /at most 1000 bytes/],
    [
      'a body that becomes too large',
      413,
      gzipSync(Buffer.alloc(1e6)),
      { ...PROTOBUF_HEADERS, 'content-encoding': 'gzip' },
      /at most 1000 bytes/,
    ],
    ['another type', 415, Buffer.from('x'), { 'content-type': 'text/plain' }, /application\/x-protobuf/],
    ['another encoding', 415, Buffer.from('x'), { ...JSON_HEADERS, 'content-encoding': 'br' }, /Content-Encoding/],
  ])('refuses %s with %i', async (_name, status, body, headers, message) => {
    const { url, metric } = await receive({ keys: { max_body: 1000 } });
    const reply = await post(url, body, headers);
    expect(reply.status).toBe(status);
    const protobuf = headers['content-type'] === PROTOBUF_HEADERS['content-type'];
    expect(reply.type).toBe(protobuf ? 'application/x-protobuf' : 'application/json');
    const text = protobuf
      ? String(fieldsOf(reply.body).get(2))
      : (JSON.parse(reply.body.toString()) as { message: string }).message;
    expect(text).toMatch(message);
    expect(await metric(`lorikeet_scorer_trace_requests_total{code="${status}"}`)).toBe(1);
    expect((await post(url, protobufRequest([]), PROTOBUF_HEADERS)).status).toBe(200);
  });

  it('knows no other method and path', async () => {
    const { url, address } = await receive();
    const got = await fetch(url);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`http://${address}/v1/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('asks senders to wait when the bodies under way are too many', async () => {
    const { url } = await receive({ keys: { max_body: 1000 } });
    const slow = Array.from({ length: 4 }, () => {
      const sent = request(url, { method: 'POST', headers: { ...JSON_HEADERS, 'content-length': '999' } });
      sent.on('error', () => undefined).write('x'.repeat(950));
      return sent;
    });
    await until('a refusal', async () => (await post(url, Buffer.alloc(500, 0x20), JSON_HEADERS)).status === 503);
    const reply = await post(url, Buffer.alloc(500, 0x20), JSON_HEADERS);
    expect(reply.headers.get('retry-after')).toBe('5');
    expect(JSON.parse(reply.body.toString())).toEqual({ code: 14, message: 'too many requests at once' });
    for (const sent of slow) sent.destroy();
    await until('room again', async () => (await post(url, jsonRequest([]), JSON_HEADERS)).status === 200);
  });

  it('wants the password of the web configuration', async () => {
    const webConfig = join(folder, 'web.yaml');
    writeFileSync(webConfig, `basic_auth_users: { otel: ${hashSync('secret', 4)} }\n`);
    const { url } = await receive({ webConfig });
    expect((await post(url, jsonRequest(one), JSON_HEADERS)).status).toBe(401);
    const authorization = `Basic ${Buffer.from('otel:secret').toString('base64')}`;
    expect((await post(url, jsonRequest(one), { ...JSON_HEADERS, authorization })).status).toBe(200);
  });

  it('goes on when a listener fails', async () => {
    const { receiver, url, traces, log } = await receive();
    receiver.onTrace(() => {
      throw new Error('no room');
    });
    await post(url, jsonRequest(one), JSON_HEADERS);
    await until('the trace', () => traces.length === 1);
    expect(log.filter((line) => line.includes('trace not used'))).toHaveLength(1);
  });
});
