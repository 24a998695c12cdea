import { HttpError } from '../../daemon/http-client/client.ts';
import type { Answer } from './answer.ts';

/**
 * UNREACHABLE: no connection, or the credentials' files are unusable. TIMEOUT: here or in the server.
 * BAD_DATA: the query is wrong. EXECUTION: the query can't be evaluated. TOO_LARGE: the answer exceeds the
 * client's bound. SERVER: any other refusal, `status` says which. UNPARSABLE: not an answer of the API.
 */
export type PrometheusErrorCode =
  | 'UNREACHABLE'
  | 'TIMEOUT'
  | 'BAD_DATA'
  | 'EXECUTION'
  | 'TOO_LARGE'
  | 'SERVER'
  | 'UNPARSABLE'
  | 'ABORTED';

export class PrometheusError extends Error {
  override readonly name = 'PrometheusError';
  readonly code: PrometheusErrorCode;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;

  constructor(code: PrometheusErrorCode, message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }

  /** Whether the same query over a shorter time may succeed. */
  get tooMuchAtOnce(): boolean {
    if (this.code === 'TOO_LARGE') return true;
    // Prometheus, VictoriaMetrics (samples, series), Mimir and Cortex, in this order.
    return (
      this.status === 422 &&
      /too many samples|maxSamplesPerQuery|matching timeseries exceeds|err-mimir-max|exceeded.*limit/i.test(
        this.message,
      )
    );
  }
}

const HTTP_CODES = {
  TIMEOUT: 'TIMEOUT',
  CONNECT: 'UNREACHABLE',
  CREDENTIALS: 'UNREACHABLE',
  TOO_LARGE: 'TOO_LARGE',
  ABORTED: 'ABORTED',
  PROTOCOL: 'UNPARSABLE',
} as const;

export function fromHttpError(error: unknown): PrometheusError {
  if (error instanceof HttpError) return new PrometheusError(HTTP_CODES[error.code], 'query failed', { cause: error });
  throw error;
}

/** The error in an answer; `answer` is undefined where the body is no answer of the API (a proxy's page). */
export function fromAnswer(status: number, answer: Answer | undefined): PrometheusError {
  const message = answer?.error ?? `HTTP status ${status}`;
  return new PrometheusError(codeOf(status, answer?.errorType), message, { status });
}

function codeOf(status: number, errorType: string | undefined): PrometheusErrorCode {
  switch (errorType) {
    case 'bad_data':
      return 'BAD_DATA';
    case 'execution':
      return 'EXECUTION';
    case 'timeout':
      return 'TIMEOUT';
    default:
      if (status === 422) return 'EXECUTION';
      if (status === 400) return 'BAD_DATA';
      return status === 504 || status === 408 ? 'TIMEOUT' : 'SERVER';
  }
}
