import type { SpanKind } from '../span.ts';
import type { Attributes, AttributeValue } from './attributes.ts';

const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** gRPC statuses that are errors of the server, by OpenTelemetry's conventions for RPC spans. */
const GRPC_SERVER_FAILURES: ReadonlySet<AttributeValue> = new Set<AttributeValue>([
  2,
  'UNKNOWN',
  4,
  'DEADLINE_EXCEEDED',
  12,
  'UNIMPLEMENTED',
  13,
  'INTERNAL',
  14,
  'UNAVAILABLE',
  15,
  'DATA_LOSS',
]);

/**
 * True if a span failed: by its status or, where an SDK left that unset, by the HTTP or gRPC status. An error of the
 * client's own fails only the client's span, as in OpenTelemetry's conventions.
 */
export function hasFailed(statusCode: number, kind: SpanKind, attributes: Attributes): boolean {
  if (statusCode === STATUS_ERROR) return true;
  if (statusCode === STATUS_OK) return false;
  const http = Number(attributes.get('http.response.status_code') ?? attributes.get('http.status_code') ?? 0);
  if (http >= (kind === 'client' ? 400 : 500)) return true;
  const grpc = attributes.get('rpc.grpc.status_code') ?? attributes.get('rpc.response.status_code');
  if (grpc === undefined || grpc === 0 || grpc === 'OK') return false;
  return kind === 'client' || GRPC_SERVER_FAILURES.has(grpc);
}
