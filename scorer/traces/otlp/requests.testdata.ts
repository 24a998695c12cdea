import { ProtobufWriter } from '../../../daemon/wire/protobuf.ts';

export interface TestAttributes {
  readonly [key: string]: string | number | boolean;
}

/** A span as a test writes it; ids are hexadecimal, times in nanoseconds. */
export interface TestSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly attributes?: TestAttributes;
  readonly status?: { readonly code: number };
}

export interface TestResource {
  readonly resource: TestAttributes;
  readonly spans: readonly TestSpan[];
}

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';

/** A good span, changed by `more`. */
export function otlpSpan(more: TestSpan = {}): TestSpan {
  return {
    traceId: TRACE_ID,
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: 'eee19b7ec3c1b173',
    name: 'GET /api/orders',
    kind: 2,
    startTimeUnixNano: '1544712660300500000',
    endTimeUnixNano: '1544712661000000000',
    attributes: {},
    ...more,
  };
}

/** ExportTraceServiceRequest in JSON. */
export function jsonRequest(resources: readonly TestResource[]): Uint8Array {
  const resourceSpans = resources.map(({ resource, spans }) => ({
    resource: { attributes: jsonAttributes(resource) },
    scopeSpans: [
      {
        scope: { name: 'test' },
        spans: spans.map((span) => ({ ...span, attributes: jsonAttributes(span.attributes ?? {}) })),
      },
    ],
  }));
  return Buffer.from(JSON.stringify({ resourceSpans }));
}

function jsonAttributes(attributes: TestAttributes) {
  return Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'string') return { key, value: { stringValue: value } };
    if (typeof value === 'boolean') return { key, value: { boolValue: value } };
    return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
  });
}

/** ExportTraceServiceRequest in protobuf, written by field numbers of opentelemetry-proto. */
export function protobufRequest(resources: readonly TestResource[]): Uint8Array {
  const writer = new ProtobufWriter();
  for (const { resource, spans } of resources) {
    writer.message(1, (resourceSpans) => {
      resourceSpans.message(1, (w) => writeAttributes(w, 1, resource));
      resourceSpans.message(2, (scopeSpans) => {
        scopeSpans.message(1, (scope) => scope.string(1, 'test'));
        for (const span of spans) scopeSpans.message(2, (w) => writeSpan(w, span));
      });
      resourceSpans.string(3, 'https://opentelemetry.io/schemas/1.30.0');
    });
  }
  return Uint8Array.from(writer.finish());
}

export function writeSpan(writer: ProtobufWriter, span: TestSpan): void {
  if (span.traceId !== undefined) writer.bytes(1, Buffer.from(span.traceId, 'hex'));
  if (span.spanId !== undefined) writer.bytes(2, Buffer.from(span.spanId, 'hex'));
  writer.string(3, 'rojo=00f067aa0ba902b7');
  if (span.parentSpanId !== undefined) writer.bytes(4, Buffer.from(span.parentSpanId, 'hex'));
  if (span.name !== undefined) writer.string(5, span.name);
  if (span.kind !== undefined) writer.varint(6, span.kind);
  if (span.startTimeUnixNano !== undefined) writer.fixed64(7, BigInt(span.startTimeUnixNano));
  if (span.endTimeUnixNano !== undefined) writer.fixed64(8, BigInt(span.endTimeUnixNano));
  writeAttributes(writer, 9, span.attributes ?? {});
  writer.message(11, (event) => event.fixed64(1, 1n).string(2, 'exception'));
  writer.message(13, (link) => link.bytes(1, Buffer.from(TRACE_ID, 'hex')));
  const { status } = span;
  if (status !== undefined) writer.message(15, (w) => w.string(2, 'why').varint(3, status.code));
  writer.fixed32(16, 0x101);
}

function writeAttributes(writer: ProtobufWriter, field: number, attributes: TestAttributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.message(field, (attribute) => {
      attribute.string(1, key).message(2, (w) => {
        if (typeof value === 'string') w.string(1, value);
        else if (typeof value === 'boolean') w.varint(2, value ? 1 : 0);
        else if (Number.isInteger(value)) w.varint(3, value);
        else w.double(4, value);
      });
    });
  }
  // A list and a tree, which nothing reads.
  writer.message(field, (w) =>
    w.string(1, 'list').message(2, (v) => v.message(5, (l) => l.message(1, (e) => e.varint(2, 1)))),
  );
  writer.message(field, (w) =>
    w.string(1, 'tree').message(2, (v) => v.message(6, (l) => l.message(1, (e) => e.string(1, 'k')))),
  );
}
