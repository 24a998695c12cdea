import { fromBinary } from '@bufbuild/protobuf';
import type { ServiceName } from '../../identity/service-key.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { AttributeCollector, type Attributes, MAX_FIELDS } from './attributes.ts';
import { Rejection } from './error.ts';
import { frames, hasFewFields } from './framing.ts';
import { type KeyValue, ResourceSchema, type Span, SpanSchema } from './generated/trace_pb.ts';
import type { SpanReader } from './span-reader.ts';

const MAX_SPAN_BYTES = 256 * 1024;
const OPTIONS = { readUnknownFields: false } as const;

/**
 * The spans of an ExportTraceServiceRequest, decoded one at a time, as they are asked for.
 *
 * @throws OtlpError before the first of them
 */
export function readProtobufRequest(body: Uint8Array, reader: SpanReader): Iterable<ReceivedSpan | Rejection> {
  return decode(frames(body), reader);
}

function* decode(
  resources: ReturnType<typeof frames>,
  reader: SpanReader,
): Generator<ReceivedSpan | Rejection, void, undefined> {
  for (const { resource, spans } of resources) {
    const attributes = resourceAttributes(resource, reader);
    const service = attributes instanceof Rejection ? attributes : reader.services.of(attributes);
    for (const span of spans) yield service instanceof Rejection ? service : decodeSpan(span, service, reader);
  }
}

function resourceAttributes(bytes: Uint8Array, { services }: SpanReader): Attributes | Rejection {
  try {
    if (!isModest(bytes)) return new Rejection(`expected resources of at most ${MAX_SPAN_BYTES} bytes`);
    return collect(fromBinary(ResourceSchema, bytes, OPTIONS).attributes, services.reads);
  } catch {
    return new Rejection('expected a resource in protobuf');
  }
}

function decodeSpan(bytes: Uint8Array, service: ServiceName, reader: SpanReader): ReceivedSpan | Rejection {
  let span: Span;
  try {
    if (!isModest(bytes)) {
      return new Rejection(`expected spans of at most ${MAX_SPAN_BYTES} bytes and ${MAX_FIELDS} fields`);
    }
    span = fromBinary(SpanSchema, bytes, OPTIONS);
  } catch {
    return new Rejection('expected a span in protobuf');
  }
  return reader.read(
    {
      traceId: hex(span.traceId, 16),
      spanId: hex(span.spanId, 8),
      parentId: hex(span.parentSpanId, 8),
      name: span.name,
      kind: span.kind,
      startNs: span.startTimeUnixNano,
      endNs: span.endTimeUnixNano,
      status: span.status?.code ?? 0,
      attributes: collect(span.attributes),
    },
    service,
  );
}

function isModest(bytes: Uint8Array): boolean {
  return bytes.length <= MAX_SPAN_BYTES && hasFewFields(bytes, MAX_FIELDS);
}

function collect(attributes: readonly KeyValue[], reads?: (key: string) => boolean): Attributes {
  const collector = new AttributeCollector(reads);
  for (const { key, value } of attributes) {
    const scalar = value?.value.value;
    if (scalar === undefined || !collector.wants(key)) continue;
    collector.set(key, typeof scalar === 'bigint' ? Number(scalar) : scalar);
  }
  return collector.values;
}

/** Of an id: one byte more than is right is enough to see that it is wrong. */
function hex(id: Uint8Array, length: number): string {
  return Buffer.from(id.buffer, id.byteOffset, Math.min(id.length, length + 1)).toString('hex');
}
