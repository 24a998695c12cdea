import type { ServiceName } from '../../identity/service-key.ts';
import { millisecondsOf } from '../nanoseconds.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { SpanKind } from '../span.ts';
import { type Attributes, firstText } from './attributes.ts';
import { Rejection } from './error.ts';
import { hasFailed } from './failure.ts';
import { ServiceNames } from './identity.ts';
import { peerOf } from './peer.ts';
import { cut, Interner } from './text.ts';

/** A span in the form that both encodings have in common. */
export interface RawSpan {
  /** Ids are lower-case hexadecimal digits; empty if missing. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  /** OTLP's number. */
  readonly kind: number;
  /** Nanoseconds since the epoch; 0 if missing or no number. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** OTLP's number. */
  readonly status: number;
  readonly attributes: Attributes;
}

/** By OTLP's number. */
const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const URL_KEYS = ['url.path', 'http.target', 'http.route', 'url.full', 'http.url'];
const MAX_NAME = 256;
const MAX_NAMES = 10_000;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
const NO_SPAN_ID = /^(0{16})?$/;

/** Validates spans and converts them to our own. */
export class SpanReader {
  readonly services: ServiceNames;
  readonly #names = new Interner(MAX_NAMES);

  /** @param labels further labels of services, which resource attributes give */
  constructor(defaultNamespace: string, labels: readonly string[] = []) {
    this.services = new ServiceNames(defaultNamespace, labels);
  }

  /** A span that ends before it starts, as its clock was set back, gets a duration of 0. */
  read(raw: RawSpan, service: ServiceName): ReceivedSpan | Rejection {
    if (!TRACE_ID.test(raw.traceId)) return new Rejection('expected a trace id of 16 bytes that are not all zero');
    if (!SPAN_ID.test(raw.spanId)) return new Rejection('expected a span id of 8 bytes that are not all zero');
    const parentId = NO_SPAN_ID.test(raw.parentId) ? undefined : raw.parentId;
    if (parentId !== undefined && !SPAN_ID.test(parentId)) {
      return new Rejection('expected a parent span id of 8 bytes, or none');
    }
    const { startNs, endNs, attributes } = raw;
    if (startNs <= 0n || endNs <= 0n) {
      return new Rejection('expected a start and an end in nanoseconds since the epoch');
    }
    const kind = KINDS[raw.kind] ?? 'internal';
    return {
      traceId: raw.traceId,
      spanId: raw.spanId,
      parentId,
      service,
      name: this.#names.get(cut(raw.name, MAX_NAME)),
      kind,
      startMs: millisecondsOf(startNs),
      durationMs: endNs > startNs ? millisecondsOf(endNs - startNs) : 0,
      failed: hasFailed(raw.status, kind, attributes),
      url: firstText(attributes, URL_KEYS),
      peer: peerOf(kind, attributes),
    };
  }
}
