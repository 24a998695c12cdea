/** Why a request as a whole is refused. */
export class OtlpError extends Error {
  readonly code = 'OTLP';
  override readonly name = 'OtlpError';
  /** Senders try again after 503, and after nothing else. */
  readonly status: 400 | 413 | 415 | 503;

  constructor(status: OtlpError['status'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Why one span is left out of a request that is otherwise good. */
export class Rejection {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}
