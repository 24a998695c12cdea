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

/** Whether the server says that what was asked for is too far in the past: only a new list helps. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
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
