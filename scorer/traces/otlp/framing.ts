import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OtlpError } from './error.ts';

/** The spans of one resource of a request, both as bytes of the request. */
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

/** Of all levels above spans. A request of 4 MiB has 100,000 spans at most, if each has no more than an id and two times. */
const MAX_FIELDS = 200_000;

/**
 * Walks an ExportTraceServiceRequest down to its spans without decoding these. All of it is walked once at first, so that
 * a request is refused before any span of it is read.
 *
 * @throws OtlpError when it isn't one
 */
export function frames(body: Uint8Array): Iterable<ResourceFrame> {
  try {
    const budget = { left: MAX_FIELDS };
    for (const { spans } of resources(body, budget)) for (const _span of spans);
  } catch (error) {
    if (error instanceof OtlpError) throw error;
    throw new OtlpError(400, 'not an ExportTraceServiceRequest in protobuf', { cause: error });
  }
  return resources(body, { left: Infinity });
}

interface Budget {
  left: number;
}

function* resources(body: Uint8Array, budget: Budget): Generator<ResourceFrame> {
  for (const resourceSpans of messages(body, RESOURCE_SPANS, budget)) {
    let resource: Uint8Array = new Uint8Array();
    // The resource may stand behind its spans, and of several the last one counts.
    for (resource of messages(resourceSpans, RESOURCE, budget));
    yield { resource, spans: spansOf(resourceSpans, budget) };
  }
}

function* spansOf(resourceSpans: Uint8Array, budget: Budget): Generator<Uint8Array> {
  for (const scopeSpans of messages(resourceSpans, SCOPE_SPANS, budget)) yield* messages(scopeSpans, SPANS, budget);
}

/** The messages that are the field `wanted` of `message`. */
function* messages(message: Uint8Array, wanted: number, budget: Budget): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    if (budget.left-- <= 0) throw new OtlpError(413, `expected at most ${MAX_FIELDS} fields around spans`);
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(type, field);
  }
}

/** Whether `message` has at most `most` fields, without decoding any. */
export function hasFewFields(message: Uint8Array, most: number): boolean {
  const reader = new BinaryReader(message);
  for (let fields = 0; reader.pos < reader.len; fields++) {
    if (fields === most) return false;
    const [field, type] = reader.tag();
    reader.skip(type, field);
  }
  return true;
}
