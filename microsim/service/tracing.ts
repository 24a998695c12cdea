import type { IncomingHttpHeaders } from 'node:http';

/** The span of a call. */
export interface CallSpan {
  /** To send with the call, so that the callee continues the trace. */
  readonly headers: Readonly<Record<string, string>>;
  /** @param error undefined after success. */
  end(status: number | undefined, error?: string): void;
}

/** The span of a request that a service serves. */
export interface RequestSpan {
  call(callee: string): CallSpan;
  end(status: number): void;
}

/** Makes spans of requests and sends them. */
export interface Tracing {
  /** @param path of the request, which its calls get as well. */
  serve(path: string, headers: IncomingHttpHeaders): RequestSpan;
}

const NO_CALL: CallSpan = { headers: {}, end: () => undefined };
const NO_REQUEST: RequestSpan = { call: () => NO_CALL, end: () => undefined };

/** No spans at all. */
export const UNTRACED: Tracing = { serve: () => NO_REQUEST };
