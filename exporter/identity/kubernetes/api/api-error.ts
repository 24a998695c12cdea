import { cutAndCount } from '../../../../daemon/text/visible.ts';
import { MAX_MESSAGE_CHARS } from './limits.ts';

/** An error response of the API server, with the start of the server's message. */
export class ApiError extends Error {
  readonly code = 'KUBERNETES_API';
  override readonly name = 'ApiError';
  readonly status: number;
  /** The server's Retry-After, in milliseconds, however long. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number, retryAfterMs = 0) {
    super(cutAndCount(message, MAX_MESSAGE_CHARS));
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * True if the server does not have the requested resource version: it has expired, or, after a restore from a backup,
 * is in the future. Only a new list helps.
 */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 410 || (error.status === 504 && error.message.includes('Too large resource version'));
}

/** A response that violates the API. */
export class ProtocolError extends Error {
  readonly code = 'KUBERNETES_PROTOCOL';
  override readonly name = 'ProtocolError';
}

/** The fields used of a `Status`, the body of an error response. */
export interface ApiStatus {
  readonly message?: string;
  readonly code?: number;
}
