/** A whole request is refused. */
export class OtlpError extends Error {
  readonly code = 'OTLP';
  override readonly name = 'OtlpError';
  /** Clients retry after 503 only. */
  readonly status: 400 | 413 | 415 | 503;

  constructor(status: OtlpError['status'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** One span of a good request is rejected. */
export class Rejection {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}
