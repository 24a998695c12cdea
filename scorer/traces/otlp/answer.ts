import type { ServerResponse } from 'node:http';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { OtlpError } from './error.ts';
import { ExportTraceServiceResponseSchema, StatusSchema } from './generated/trace_pb.ts';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';
/** A response has the encoding of its request. */
export type OtlpType = typeof PROTOBUF | typeof JSON_TYPE;

/** google.rpc.Code of an HTTP status. */
const RPC_CODES = { 400: 3, 413: 3, 415: 3, 503: 14 } as const;
const RETRY_AFTER_SECONDS = 5;

/** Sends ExportTraceServiceResponse, with partial_success if spans were rejected. */
export function sendAccepted(
  response: ServerResponse,
  type: OtlpType,
  rejectedSpans: number,
  errorMessage: string,
): void {
  if (type === JSON_TYPE) {
    // 64-bit numbers are strings in JSON.
    const partialSuccess = { rejectedSpans: String(rejectedSpans), errorMessage };
    return send(response, 200, type, JSON.stringify(rejectedSpans > 0 ? { partialSuccess } : {}));
  }
  const partialSuccess = { rejectedSpans: BigInt(rejectedSpans), errorMessage };
  send(response, 200, type, encode(ExportTraceServiceResponseSchema, rejectedSpans > 0 ? { partialSuccess } : {}));
}

/**
 * Sends google.rpc.Status. The rest of the request is read and discarded, as a client that still sends would not see
 * it.
 */
export function sendStatus(response: ServerResponse, type: OtlpType, { status, message }: OtlpError): void {
  const body = { code: RPC_CODES[status], message };
  if (status === 503) response.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
  send(response, status, type, type === JSON_TYPE ? JSON.stringify(body) : encode(StatusSchema, body));
  response.req.resume();
}

function encode<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

function send(response: ServerResponse, status: number, type: OtlpType, body: string | Uint8Array): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
