import type { SpanKind } from '../span.ts';
import type { Attributes, AttributeValue } from './attributes.ts';

const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** gRPC's statuses that are the server's own failures, by OpenTelemetry's conventions for RPC spans. */
const GRPC_SERVER_FAILURES: ReadonlySet<AttributeValue> = new Set<AttributeValue>([
  ...[2, 4, 12, 13, 14, 15],
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
]);

/**
 * Whether a span failed: by its status, or where an SDK left that unset, by the HTTP or gRPC status. What is the
 * client's fault is a failure of the client's span alone, as OpenTelemetry's conventions have it.
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
