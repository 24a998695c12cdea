import { describe, expect, it } from 'vitest';
import type { ReceivedSpan } from '../received-span.ts';
import { OtlpError, Rejection } from './error.ts';
import { readJsonRequest } from './json-request.ts';
import { readProtobufRequest } from './protobuf-request.ts';
import {
  jsonRequest,
  otlpSpan,
  protobufRequest,
  type TestAttributes,
  type TestSpan,
  TRACE_ID,
} from './requests.testdata.ts';
import { SpanReader } from './span-reader.ts';

const ENCODINGS = {
  json: { write: jsonRequest, read: readJsonRequest },
  protobuf: { write: protobufRequest, read: readProtobufRequest },
};

const CHECKOUT = { 'service.name': 'checkout' };

describe.each(['json', 'protobuf'] as const)('a request in %s', (encoding) => {
  const { write, read } = ENCODINGS[encoding];

  function readSpan(span: TestSpan, resource: TestAttributes = CHECKOUT): ReceivedSpan | Rejection {
    const spans = [...read(write([{ resource, spans: [span] }]), new SpanReader('default'))];
    expect(spans).toHaveLength(1);
    return spans[0]!;
  }
  const good = (span: TestSpan, resource?: TestAttributes) => readSpan(span, resource) as ReceivedSpan;

  it('becomes spans', () => {
    expect(
      readSpan(otlpSpan({ attributes: { 'url.path': '/api/orders/17', 'http.response.status_code': 200 } })),
    ).toEqual({
      traceId: TRACE_ID,
      spanId: 'eee19b7ec3c1b174',
      parentId: 'eee19b7ec3c1b173',
      service: { namespace: 'default', service: 'checkout' },
      name: 'GET /api/orders',
      kind: 'server',
      startMs: 1544712660300.5,
      durationMs: 699.5,
      failed: false,
      url: '/api/orders/17',
      peer: undefined,
    });
  });

  it.each([
    [['cluster'], { 'k8s.cluster.name': 'a' }, { cluster: 'a' }],
    [['cluster'], { cluster: 'own', 'k8s.cluster.name': 'a' }, { cluster: 'own' }],
    [
      ['k8s_cluster_name', 'team_name'],
      { 'k8s.cluster.name': 'a', 'team-name': 'x' },
      { k8s_cluster_name: 'a', team_name: 'x' },
    ],
    [['environment', 'region'], { 'deployment.environment': 'prod', 'cloud.region': '' }, { environment: 'prod' }],
    [['tenant'], { 'k8s.cluster.name': 'a' }, {}],
  ])('names services with the labels %j from %j', (labels, attributes, further) => {
    const resource = { ...CHECKOUT, ...attributes };
    const request = write([{ resource, spans: [otlpSpan()] }]);
    const [span] = [...read(request, new SpanReader('default', labels))] as ReceivedSpan[];
    expect(span?.service).toEqual({ namespace: 'default', service: 'checkout', ...further });
  });

  it('may be empty', () => {
    expect([...read(write([]), new SpanReader('default'))]).toEqual([]);
    expect([...read(write([{ resource: {}, spans: [] }]), new SpanReader('default'))]).toEqual([]);
  });

  it('has spans of several resources, one object a service', () => {
    const resources = ['a', 'b', 'a'].map((name) => ({
      resource: { 'service.name': name },
      spans: [otlpSpan(), otlpSpan()],
    }));
    const spans = [...read(write(resources), new SpanReader('default'))] as ReceivedSpan[];
    expect(spans.map(({ service }) => service.service).join('')).toBe('aabbaa');
    expect(new Set(spans.map(({ service }) => service)).size).toBe(2);
  });

  it.each<[string, TestAttributes, string]>([
    ['nothing', {}, 'default/unknown_service'],
    ['a service', { 'service.name': 'cart', 'service.namespace': 'shop' }, 'shop/cart'],
    [
      'a Deployment',
      {
        'service.name': 'cart',
        'service.namespace': 'x',
        'k8s.namespace.name': 'shop',
        'k8s.deployment.name': 'cart-v2',
      },
      'shop/cart-v2',
    ],
    [
      'a StatefulSet',
      { 'service.name': 'cart', 'k8s.namespace.name': 'shop', 'k8s.statefulset.name': 'db' },
      'shop/db',
    ],
    [
      'a CronJob, not its Job',
      { 'k8s.namespace.name': 'shop', 'k8s.job.name': 'j-1', 'k8s.cronjob.name': 'j' },
      'shop/j',
    ],
    ['an empty name', { 'service.name': '', 'service.namespace': '' }, 'default/unknown_service'],
  ])('of %s is that service', (_name, resource, expected) => {
    const { namespace, service } = good(otlpSpan(), resource).service;
    expect(`${namespace}/${service}`).toBe(expected);
  });

  it.each<[string, TestSpan, boolean]>([
    ['nothing', {}, false],
    ['status ERROR', { status: { code: 2 } }, true],
    ['HTTP 500', { attributes: { 'http.response.status_code': 500 } }, true],
    ['HTTP 500 of older SDKs', { attributes: { 'http.status_code': 503 } }, true],
    ['HTTP 404 of a server', { attributes: { 'http.response.status_code': 404 } }, false],
    ['HTTP 404 of a client', { kind: 3, attributes: { 'http.response.status_code': 404 } }, true],
    ['status OK, whatever HTTP says', { status: { code: 1 }, attributes: { 'http.status_code': 500 } }, false],
    ['gRPC 0', { attributes: { 'rpc.grpc.status_code': 0 } }, false],
    ['gRPC UNAVAILABLE', { attributes: { 'rpc.grpc.status_code': 14 } }, true],
    ['gRPC UNAVAILABLE by name', { attributes: { 'rpc.response.status_code': 'UNAVAILABLE' } }, true],
    ['gRPC NOT_FOUND of a server', { attributes: { 'rpc.grpc.status_code': 5 } }, false],
    ['gRPC NOT_FOUND of a client', { kind: 3, attributes: { 'rpc.grpc.status_code': 5 } }, true],
  ])('with %s: failed is %s', (_name, more, failed) => {
    expect(good(otlpSpan(more)).failed).toBe(failed);
  });

  it.each<[string, TestAttributes, ReceivedSpan['peer']]>([
    ['nothing', { 'server.address': 'cart' }, undefined],
    ['a peer', { 'peer.service': 'stripe' }, { name: 'stripe', database: false }],
    ['a database', { 'db.name': 'orders' }, { name: 'orders', database: true }],
    [
      'a database at an address',
      { 'db.namespace': 'orders', 'server.address': 'pg-1' },
      { name: 'pg-1', database: true },
    ],
    [
      'a database system at a port',
      { 'db.system': 'redis', 'network.peer.address': '10.0.0.7', 'network.peer.port': 6379 },
      { name: '10.0.0.7:6379', database: true },
    ],
    [
      'a database of a service',
      { 'db.system.name': 'mysql', 'peer.service': 'orders-db' },
      { name: 'orders-db', database: true },
    ],
    ['a system only', { 'db.system.name': 'mysql' }, { name: 'mysql', database: true }],
  ])('of a client that says %s has a peer', (_name, attributes, peer) => {
    expect(good(otlpSpan({ kind: 3, attributes })).peer).toEqual(peer);
    expect(good(otlpSpan({ kind: 2, attributes })).peer).toBeUndefined();
  });

  it.each<[number, string]>([
    [0, 'internal'],
    [1, 'internal'],
    [2, 'server'],
    [3, 'client'],
    [4, 'producer'],
    [5, 'consumer'],
    [77, 'internal'],
  ])('kind %i is %s', (kind, name) => expect(good(otlpSpan({ kind })).kind).toBe(name));

  it('takes a parent of nothing or of zeros as none, and no name as an empty one', () => {
    const { parentSpanId: _, name: __, ...rest } = otlpSpan();
    expect(good(rest)).toMatchObject({ parentId: undefined, name: '' });
    expect(good(otlpSpan({ parentSpanId: '0000000000000000' })).parentId).toBeUndefined();
  });

  it('gives a span that ends before it starts no duration', () => {
    expect(good(otlpSpan({ endTimeUnixNano: '1' })).durationMs).toBe(0);
  });

  it('cuts long names and texts', () => {
    const span = good(otlpSpan({ name: 'n'.repeat(10_000), attributes: { 'url.path': '/'.repeat(10_000) } }));
    expect([span.name.length, span.url?.length]).toEqual([256, 256]);
  });

  it.each<[string, TestSpan, RegExp]>([
    ['no trace id', { traceId: '' }, /trace id/],
    ['a trace id of zeros', { traceId: '0'.repeat(32) }, /trace id/],
    ['a short trace id', { traceId: 'abcd' }, /trace id/],
    ['a long span id', { spanId: 'ab'.repeat(1000) }, /span id/],
    ['no span id', { spanId: '' }, /span id/],
    ['a short parent', { parentSpanId: 'ab' }, /parent/],
    ['no start', { startTimeUnixNano: '0' }, /start/],
    ['no end', { endTimeUnixNano: '0' }, /end/],
  ])('rejects a span with %s and no other', (_name, more, reason) => {
    const spans = [
      ...read(write([{ resource: CHECKOUT, spans: [otlpSpan(more), otlpSpan()] }]), new SpanReader('default')),
    ];
    expect((spans[0] as Rejection).reason).toMatch(reason);
    expect(spans[1]).not.toBeInstanceOf(Rejection);
  });
});

describe('JSON', () => {
  const read = (text: string) => [...readJsonRequest(Buffer.from(text), new SpanReader('default'))];
  const withSpan = (span: object) =>
    read(
      JSON.stringify({
        resourceSpans: [{ scopeSpans: [{ spans: [{ ...otlpSpan({ attributes: {} }), attributes: [], ...span }] }] }],
      }),
    )[0]!;

  it.each(['', '{', 'null', '[]', '7', '{"resourceSpans":{}}', '{"resourceSpans":"x"}', '"\\'])(
    'refuses %s',
    (text) => {
      expect(() => read(text)).toThrow(OtlpError);
    },
  );

  it.each([
    [{ traceId: TRACE_ID.toUpperCase() }, {}],
    [{ startTimeUnixNano: 1544712660000000000 }, { startMs: 1544712660000 }],
    [{ kind: undefined, status: {} }, { kind: 'internal' }],
    [{ unknown: [[1]], events: 'x', attributes: null }, {}],
    [
      {
        attributes: [
          { key: 'url.path', value: { stringValue: '/a' } },
          { key: 'url.path', value: { stringValue: '/b' } },
        ],
      },
      { url: '/a' },
    ],
    [
      { attributes: [null, 7, 'x', {}, { key: 'url.path' }, { key: 'url.path', value: { arrayValue: {} } }] },
      { url: undefined },
    ],
    [{ attributes: [{ key: 'http.status_code', value: { intValue: 500 } }] }, { failed: true }],
    [{ attributes: [{ key: 'http.status_code', value: { intValue: 'many' } }] }, { failed: false }],
  ])('takes %o', (more, expected) => expect(withSpan(more)).toMatchObject({ traceId: TRACE_ID, ...expected }));

  it.each([
    { startTimeUnixNano: 'NaN' },
    { startTimeUnixNano: '-5' },
    { startTimeUnixNano: -5 },
    { startTimeUnixNano: null },
    { endTimeUnixNano: '1e30' },
    { endTimeUnixNano: '9'.repeat(400) },
    { endTimeUnixNano: {} },
    { startTimeUnixNano: [1544712660000000000] },
    { kind: 'SPAN_KIND_SERVER' },
    { kind: 1.5 },
    { kind: {} },
    { status: { code: 'ERROR' } },
    { status: 7 },
    { name: 7 },
    { traceId: 7 },
    { traceId: 'zz'.repeat(16) },
    { spanId: ['a'] },
    { attributes: {} },
    { attributes: 'x' },
  ])('rejects %o', (more) => expect(withSpan(more)).toBeInstanceOf(Rejection));

  it('passes over what is no object in lists of objects', () => {
    expect(read('{"resourceSpans":[null,7,"x",[],{"scopeSpans":[null,{"spans":[null,{}]}]}]}')).toHaveLength(1);
    expect(read('{"resourceSpans":[{"scopeSpans":{}},{"scopeSpans":[{"spans":7}]}]}')).toEqual([]);
  });
});

describe('protobuf', () => {
  const read = (body: Uint8Array) => [...readProtobufRequest(body, new SpanReader('default'))];
  const whole = protobufRequest([{ resource: CHECKOUT, spans: [otlpSpan()] }]);

  it('refuses every beginning of a request, or finds no span in it', () => {
    for (let length = 0; length < whole.length; length++) {
      try {
        expect(read(whole.subarray(0, length))).toEqual([]);
      } catch (error) {
        expect(error).toBeInstanceOf(OtlpError);
      }
    }
  });

  it('survives any byte being another', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0x00, 0x7f, 0x80, 0xff, whole[at]! ^ 1, whole[at]! ^ 4]) {
        const body = Uint8Array.from(whole);
        body[at] = byte;
        try {
          for (const span of read(body)) if (!(span instanceof Rejection)) expect(span.startMs).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(OtlpError);
        }
      }
    }
  });

  it.each<[string, Buffer]>([
    ['a length beyond the end', Buffer.from('0affffffff0f', 'hex')],
    ['the greatest length', Buffer.from('0affffffffffffffffff01', 'hex')],
    ['nested groups', Buffer.alloc(100_000, 0x0b)],
    ['field 0', Buffer.from('0200', 'hex')],
    ['wire type 7', Buffer.from('0f', 'hex')],
    ['text', Buffer.from('<html></html>')],
  ])('refuses %s', (_name, body) => expect(() => read(body)).toThrow(OtlpError));
});
