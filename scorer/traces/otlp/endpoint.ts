import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { pathOf, sendText, type WebHandler } from '../../../daemon/http-server/answer.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { JSON_TYPE, type OtlpType, PROTOBUF, sendAccepted, sendStatus } from './answer.ts';
import { BodyReader } from './body.ts';
import { OtlpError, Rejection } from './error.ts';
import { readJsonRequest } from './json-request.ts';
import { readProtobufRequest } from './protobuf-request.ts';
import { SpanReader } from './span-reader.ts';

export interface OtlpEndpointOptions {
  /** Largest request in bytes, before and after decompression. */
  readonly maxBody: number;
  readonly defaultNamespace: string;
  /** Further labels of services. Default: none. */
  readonly labels?: readonly string[];
  /** @returns why the span is rejected, if it is */
  readonly onSpan: (span: ReceivedSpan) => Rejection | undefined;
  /** Called for each span that cannot be read. */
  readonly onInvalid: (rejection: Rejection) => void;
}

export const TRACES_PATH = '/v1/traces';
/** After this long the rest of the program gets a turn. */
const SLICE_MS = 5;

/**
 * `POST /v1/traces`: OTLP over HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp, as protobuf or JSON. Spans are
 * decoded in slices, so that a large request doesn't hold up the rest of the program.
 */
export function otlpEndpoint(options: OtlpEndpointOptions): WebHandler {
  const bodies = new BodyReader(options.maxBody);
  const reader = new SpanReader(options.defaultNamespace, options.labels);
  return async (request, response, next) => {
    if (pathOf(request) !== TRACES_PATH) return next();
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST');
      return sendText(response, 405, 'Only POST requests allowed.');
    }
    const type = typeOf(request);
    try {
      if (type === undefined) throw new OtlpError(415, `expected Content-Type ${PROTOBUF} or ${JSON_TYPE}`);
      const read = type === JSON_TYPE ? readJsonRequest : readProtobufRequest;
      await bodies.read(request, async (body) => {
        const { rejected, message } = await takeSpans(read(body, reader), options);
        sendAccepted(response, type, rejected, message);
      });
    } catch (error) {
      answerFailure(error, type ?? JSON_TYPE, response);
    }
  };
}

function typeOf(request: IncomingMessage): OtlpType | undefined {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return type === PROTOBUF || type === JSON_TYPE ? type : undefined;
}

/** @throws `error` itself if the request did not cause it */
function answerFailure(error: unknown, type: OtlpType, response: ServerResponse): void {
  // The client left or took too long.
  if (response.destroyed || response.headersSent) return;
  if (!(error instanceof OtlpError)) throw error;
  sendStatus(response, type, error);
}

/** @returns the number of rejected spans, and the reason of the first one */
async function takeSpans(spans: Iterable<ReceivedSpan | Rejection>, { onSpan, onInvalid }: OtlpEndpointOptions) {
  let rejected = 0;
  let message = '';
  let pauseAt = performance.now() + SLICE_MS;
  for (const span of spans) {
    if (span instanceof Rejection) onInvalid(span);
    const rejection = span instanceof Rejection ? span : onSpan(span);
    if (rejection !== undefined) {
      rejected++;
      message ||= rejection.reason;
    }
    if (performance.now() < pauseAt) continue;
    await setImmediate();
    pauseAt = performance.now() + SLICE_MS;
  }
  return { rejected, message };
}
