import type { ServiceName } from '../identity/service-key.ts';

export type SpanKind = 'server' | 'client' | 'internal' | 'producer' | 'consumer';

/** One operation of one service, as OpenTelemetry has it. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span that caused this one; undefined for a root. */
  readonly parentId: string | undefined;
  readonly service: ServiceName;
  /** The operation, such as `GET /api/orders`. */
  readonly name: string;
  readonly kind: SpanKind;
  /** Unix time in milliseconds with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  /** The status is ERROR, or an HTTP or gRPC status attribute says so. */
  readonly failed: boolean;
  /** url.path, http.target, http.route or url.full, whichever the SDK sent. */
  readonly url: string | undefined;
}

/** The spans of one request through all services. */
export interface Trace<S extends Span = Span> {
  readonly traceId: string;
  /** By start; a parent comes before a child that starts in the same moment. Never empty. */
  readonly spans: readonly S[];
  /** The earliest span without a parent; undefined if none has arrived. */
  readonly root: S | undefined;
  /** There is one root, and every span is reached from it. A leaf that never arrived doesn't show. */
  readonly complete: boolean;
}
