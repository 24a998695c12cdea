/**
 * TIMEOUT: no complete response in time. CONNECT: no connection, or it broke. TOO_LARGE: the response exceeds the
 * limit. ABORTED: by the caller's signal or `close`. PROTOCOL: not a valid HTTP response to the request. CREDENTIALS: a
 * file of the settings cannot be read or used, or there are no credentials.
 */
export type HttpErrorCode = 'TIMEOUT' | 'CONNECT' | 'TOO_LARGE' | 'ABORTED' | 'PROTOCOL' | 'CREDENTIALS';

export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True if a reused connection broke before the first byte of the response. */
export function brokeWhileIdle(error: unknown): boolean {
  const { code, socket } = error as { readonly code?: string; readonly socket?: { readonly bytesRead?: number } };
  if (code === 'UND_ERR_SOCKET') return (socket?.bytesRead ?? 0) > 0;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const { name = '', code = '' } = error as { readonly name?: string; readonly code?: string };
  const protocol =
    name === 'HTTPParserError' ||
    // Those of zlib.
    code.startsWith('Z_') ||
    ['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_INVALID_ARG'].includes(code);
  return protocol
    ? new HttpError('PROTOCOL', 'not a valid HTTP exchange', { cause: error })
    : new HttpError('CONNECT', 'no connection', { cause: error });
}
