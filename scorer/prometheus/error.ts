import { HttpError } from '../../daemon/http-client/client.ts';
import type { ApiResponse } from './response.ts';

/**
 * - UNREACHABLE: no connection, or a credentials file is unusable.
 * - TIMEOUT: on the client or the server.
 * - BAD_DATA: the query is invalid.
 * - EXECUTION: the query can't be evaluated.
 * - TOO_LARGE: the response exceeds the client's limit.
 * - SERVER: any other error of the server, see `status`.
 * - UNPARSABLE: not a response of the API.
 * - ABORTED: by the caller's signal.
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
  /** The HTTP status, if there was a response. */
  readonly status: number | undefined;

  constructor(code: PrometheusErrorCode, message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }

  /** True if the query itself is at fault: it would fail again. */
  get refusesQuery(): boolean {
    return (this.code === 'BAD_DATA' || this.code === 'EXECUTION') && !this.exceedsLimit;
  }

  /** True if the query exceeded a limit of the client or the server: over a shorter span it may succeed. */
  get exceedsLimit(): boolean {
    if (this.code === 'TOO_LARGE') return true;
    // Prometheus (series with limits on the cost of queries), VictoriaMetrics (samples, series), Mimir and Cortex.
    return (
      this.status === 422 &&
      /too many (samples|series)|maxSamplesPerQuery|matching timeseries exceeds|err-mimir-max|exceeded.*limit/i.test(
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

/** The error in a response; undefined stands for a body that isn't a response of the API, such as a proxy's page. */
export function fromResponse(status: number, response: ApiResponse | undefined): PrometheusError {
  const message = response?.error ?? `HTTP status ${status}`;
  return new PrometheusError(codeOf(status, response?.errorType), message, { status });
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
