/** The API server's answer to a request that it refuses; the message is its own. */
export class ApiError extends Error {
  readonly code = 'KUBERNETES_API';
  override readonly name = 'ApiError';
  readonly status: number;
  /** How long the server asks not to be asked again, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Whether the server says that it doesn't know the moment from which something was asked for: it has forgotten it, or,
 * set back to an older state, not reached it. Only a new list helps.
 */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 410 || (error.status === 504 && error.message.includes('Too large resource version'));
}

/** An answer that isn't what the API promises. */
export class ProtocolError extends Error {
  readonly code = 'KUBERNETES_PROTOCOL';
  override readonly name = 'ProtocolError';
}

/** What is read of a `Status`, the body of a refusal. */
export interface ApiStatus {
  readonly message?: string;
  readonly code?: number;
}
