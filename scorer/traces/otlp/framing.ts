import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OtlpError } from './error.ts';

/** A resource and its spans, as parts of the request's bytes. */
export interface ResourceFrame {
  /** Empty where there is none. */
  readonly resource: Uint8Array;
  readonly spans: Iterable<Uint8Array>;
}

/** Field numbers of ExportTraceServiceRequest, ResourceSpans and ScopeSpans. */
const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;

/** Of all levels above spans. A request of 4 MiB has at most 100,000 spans, each with ids and times alone. */
const MAX_FIELDS = 200_000;

/**
 * Walks an ExportTraceServiceRequest down to its spans without decoding them. The whole request is walked once before
 * this returns, so that a malformed one is refused before any of its spans is read.
 *
 * @throws OtlpError
 */
export function frames(body: Uint8Array): Iterable<ResourceFrame> {
  try {
    for (const { spans } of resources(body, MAX_FIELDS)) for (const _span of spans);
  } catch (error) {
    if (error instanceof OtlpError) throw error;
    throw new OtlpError(400, 'not an ExportTraceServiceRequest in protobuf', { cause: error });
  }
  return resources(body, Infinity);
}

/** The place of a message in the request. */
interface Range {
  readonly start: number;
  readonly end: number;
}

function* resources(body: Uint8Array, maxFields: number): Generator<ResourceFrame> {
  const walk = new Walk(body, maxFields);
  for (const resourceSpans of walk.messages({ start: 0, end: body.length }, RESOURCE_SPANS)) {
    let resource: Range = { start: 0, end: 0 };
    // The resource may come after its spans; of several the last one counts.
    for (resource of walk.messages(resourceSpans, RESOURCE));
    yield { resource: body.subarray(resource.start, resource.end), spans: spansOf(body, walk, resourceSpans) };
  }
}

function* spansOf(body: Uint8Array, walk: Walk, resourceSpans: Range): Generator<Uint8Array> {
  for (const scopeSpans of walk.messages(resourceSpans, SCOPE_SPANS)) {
    for (const { start, end } of walk.messages(scopeSpans, SPANS)) yield body.subarray(start, end);
  }
}

/** Reads tags and lengths of one request with one reader: making one takes longer than reading a field. */
class Walk {
  readonly #reader: BinaryReader;
  readonly #maxFields: number;
  #fields = 0;

  constructor(body: Uint8Array, maxFields: number) {
    this.#reader = new BinaryReader(body);
    this.#maxFields = maxFields;
  }

  /** The messages in field `wanted` of the message `within`. */
  *messages(within: Range, wanted: number): Generator<Range> {
    const reader = this.#reader;
    for (let at = within.start; at < within.end;) {
      if (++this.#fields > this.#maxFields) {
        throw new OtlpError(413, `expected at most ${this.#maxFields} fields around spans`);
      }
      reader.pos = at;
      const [field, type] = reader.tag();
      if (field === wanted && type === WireType.LengthDelimited) {
        const length = reader.uint32();
        const start = reader.pos;
        at = start + length;
        if (at > within.end) throw new RangeError('a message ends after the one that contains it');
        yield { start, end: at };
      } else {
        reader.skip(type, field);
        at = reader.pos;
        if (at > within.end) throw new RangeError('a field ends after the message that contains it');
      }
    }
  }
}

/** True if `message` has at most `most` fields. Decodes none. */
export function hasFewFields(message: Uint8Array, most: number): boolean {
  const reader = new BinaryReader(message);
  for (let fields = 0; reader.pos < reader.len; fields++) {
    if (fields === most) return false;
    const [field, type] = reader.tag();
    reader.skip(type, field);
  }
  return true;
}
