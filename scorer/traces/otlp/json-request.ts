import type { ServiceName } from '../../identity/service-key.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { AttributeCollector, type Attributes, MAX_FIELDS } from './attributes.ts';
import { OtlpError, Rejection } from './error.ts';
import { checkJsonBounds } from './json-bounds.ts';
import type { SpanReader } from './span-reader.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Longer than any valid id. */
const MAX_ID = 64;

/**
 * The spans of an ExportTraceServiceRequest in OTLP's JSON encoding, one at a time.
 *
 * @throws OtlpError before the first of them
 */
export function readJsonRequest(body: Uint8Array, reader: SpanReader): Iterable<ReceivedSpan | Rejection> {
  checkJsonBounds(body);
  return spansOf(parse(body), reader);
}

/** `resourceSpans` of a request. */
function parse(body: Uint8Array): readonly JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
  } catch (error) {
    throw new OtlpError(400, 'not JSON', { cause: error });
  }
  const resourceSpans = isObject(value) ? objects(value['resourceSpans']) : undefined;
  if (resourceSpans === undefined) {
    throw new OtlpError(400, 'not an ExportTraceServiceRequest: expected an object with a list resourceSpans');
  }
  return resourceSpans;
}

function* spansOf(
  resources: readonly JsonObject[],
  reader: SpanReader,
): Generator<ReceivedSpan | Rejection, void, undefined> {
  for (const { resource, scopeSpans } of resources) {
    const list = isObject(resource) ? resource['attributes'] : undefined;
    const attributes = collect(list, reader.services.reads);
    const service = attributes && reader.services.of(attributes);
    for (const { spans } of objects(scopeSpans) ?? []) {
      for (const span of objects(spans) ?? []) {
        yield service === undefined
          ? new Rejection(`expected a resource's attributes as a list of at most ${MAX_FIELDS}`)
          : readSpan(span, service, reader);
      }
    }
  }
}

function readSpan(span: JsonObject, service: ServiceName, reader: SpanReader): ReceivedSpan | Rejection {
  const attributes = collect(span['attributes']);
  if (attributes === undefined) return new Rejection(`expected a span's attributes as a list of at most ${MAX_FIELDS}`);
  const { name = '', kind = 0, status = {} } = span;
  const code = isObject(status) ? (status['code'] ?? 0) : undefined;
  if (typeof name !== 'string') return new Rejection('expected a name that is a string');
  if (!Number.isInteger(kind)) return new Rejection('expected a kind as integer');
  if (!Number.isInteger(code)) return new Rejection('expected a status with its code as integer');
  return reader.read(
    {
      traceId: id(span['traceId']),
      spanId: id(span['spanId']),
      parentId: id(span['parentSpanId']),
      name,
      kind: kind as number,
      startNs: nanoseconds(span['startTimeUnixNano']),
      endNs: nanoseconds(span['endTimeUnixNano']),
      status: code as number,
      attributes,
    },
    service,
  );
}

/** Undefined if `list` is no list or a too long one. A missing list is empty. */
function collect(list: unknown, reads?: (key: string) => boolean): Attributes | undefined {
  const attributes = objects(list);
  if (attributes === undefined || attributes.length > MAX_FIELDS) return undefined;
  const collector = new AttributeCollector(reads);
  for (const { key, value } of attributes) {
    if (typeof key !== 'string' || !isObject(value) || !collector.wants(key)) continue;
    const scalar = scalarOf(value);
    if (scalar !== undefined) collector.set(key, scalar);
  }
  return collector.values;
}

function scalarOf({ stringValue, boolValue, intValue, doubleValue }: JsonObject) {
  if (typeof stringValue === 'string') return stringValue;
  if (typeof boolValue === 'boolean') return boolValue;
  const number = intValue ?? doubleValue;
  if (typeof number === 'number') return number;
  return typeof number === 'string' && number !== '' ? Number(number) : undefined;
}

/** Hexadecimal digits in lower case. An id that is no string becomes an invalid one. */
function id(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value.slice(0, MAX_ID).toLowerCase() : 'none';
}

/** A 64-bit number, in JSON a string of digits or a number; 0 for anything else. */
function nanoseconds(value: unknown): bigint {
  if (typeof value === 'number') return Number.isInteger(value) && value < 2 ** 64 ? BigInt(value) : 0n;
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

/**
 * The objects in a list. A missing list is empty, as proto3 leaves empty lists out; undefined if `value` is no list.
 */
function objects(value: unknown): readonly JsonObject[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.filter(isObject) : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
