import type { HttpClient } from '../../daemon/http-client/client.ts';
import { ResponseError, ResponseReader, type ApiResponse, type RangeSeries } from './response.ts';
import { fromResponse, fromHttpError, PrometheusError } from './error.ts';
import { fetchSpans, halveBySteps, halveByTime, splitSpan, type FetchSpan } from './span.ts';

export { PrometheusError, type PrometheusErrorCode } from './error.ts';
export type { RangeSeries } from './response.ts';

export interface QueryResult {
  /** In the server's order; empty when `visit` was given. */
  readonly series: readonly RangeSeries[];
  /** Not empty: the result may be partial. */
  readonly warnings: readonly string[];
}

export interface QueryOptions {
  /** Timeout of each request, on both the client and the server. Default: the HTTP client's. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Called with each series as it is parsed, so that a large result is never in memory at once. Where the span is
   * split, a series comes in several parts, the older ones first.
   */
  readonly visit?: (series: RangeSeries) => void;
}

export interface RangeOptions extends QueryOptions {
  /**
   * Maximum age of the sample that stands for a step. Sent as `lookback_delta`, which Prometheus **silently ignores up
   * to 2.42**: use `samples` where a sample's age matters.
   */
  readonly lookbackMs?: number;
}

export interface PrometheusClientOptions {
  /**
   * Base URL: `http://prometheus:9090`, with the path prefix before `/api/v1` if there is one. Its query is sent with
   * every request, such as `?extra_label=cluster=a` of VictoriaMetrics.
   */
  readonly url: string;
  readonly http: HttpClient;
  /** Called with the clocks of each response. */
  readonly onClock?: (reading: ClockReading) => void;
  /** Default: 11,000, the limit of Prometheus. */
  readonly maxPointsPerSeries?: number;
}

/** The clocks of the scorer and of the server, milliseconds since the epoch. */
export interface ClockReading {
  /** The scorer's clock when the request was sent and when the response had arrived. */
  readonly sentMs: number;
  readonly receivedMs: number;
  /** The server's clock while it answered, in whole seconds: the header `Date`. */
  readonly serverMs: number;
}

/** A query for samples isn't split below this span. */
const MIN_SPAN_MS = 1000;

/** A client of Prometheus' HTTP API. Every method throws PrometheusError. */
export class PrometheusClient {
  readonly #base: URL;
  readonly #http: HttpClient;
  readonly #onClock: PrometheusClientOptions['onClock'];
  readonly #maxPoints: number;

  constructor({ url, http, onClock, maxPointsPerSeries = 11_000 }: PrometheusClientOptions) {
    this.#base = new URL(url);
    this.#base.pathname = `${this.#base.pathname.replace(/\/+$/, '')}/api/v1`;
    this.#http = http;
    this.#onClock = onClock;
    this.#maxPoints = maxPointsPerSeries;
  }

  /**
   * Evaluates `query` at `startMs`, `startMs + stepMs`, ... up to `endMs`. Splits a span that exceeds the server's
   * limit of points or samples, and joins the parts.
   */
  async queryRange(
    query: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: RangeOptions = {},
  ): Promise<QueryResult> {
    const fetch: FetchSpan = ({ startMs: start, endMs: end }, visit) =>
      this.#fetch(
        'query_range',
        {
          query,
          start: seconds(start),
          end: seconds(end),
          step: seconds(stepMs),
          ...(options.lookbackMs !== undefined && { lookback_delta: `${options.lookbackMs}ms` }),
        },
        options,
        visit,
      );
    const spans = splitSpan({ startMs, endMs }, stepMs, this.#maxPoints);
    return await fetchSpans(spans, halveBySteps(stepMs), fetch, options.visit);
  }

  /** Evaluates `query` at one time: each series has one point. */
  async query(query: string, timeMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const fetch: FetchSpan = ({ endMs }, visit) =>
      this.#fetch('query', { query, time: seconds(endMs) }, options, visit);
    return await fetchSpans([{ startMs: timeMs, endMs: timeMs }], () => undefined, fetch, options.visit);
  }

  /**
   * Returns the raw samples of `selector` (a vector selector such as `up{job="x"}`) after `startMs`, up to and
   * including `endMs`, with their own timestamps. There is no lookback: a series that stopped has no samples. Stale
   * markers aren't returned.
   */
  async samples(selector: string, startMs: number, endMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const fetch: FetchSpan = ({ startMs: start, endMs: end }, visit) =>
      this.#fetch('query', { query: `${selector}[${end - start}ms]`, time: seconds(end) }, options, (series) => {
        const kept = after(series, start);
        if (kept.timestamps.length > 0) visit(kept);
      });
    return await fetchSpans([{ startMs, endMs }], halveByTime(MIN_SPAN_MS), fetch, options.visit);
  }

  async #fetch(
    path: 'query' | 'query_range',
    parameters: Readonly<Record<string, string>>,
    { timeoutMs, signal }: QueryOptions,
    visit: (series: RangeSeries) => void,
  ): Promise<readonly string[]> {
    const form = new URLSearchParams(parameters);
    const url = new URL(this.#base);
    url.pathname += `/${path}`;
    if (timeoutMs !== undefined) form.set('timeout', `${timeoutMs}ms`);
    const reader = new ResponseReader(visit);
    const sentMs = Date.now();
    const { status, headers, body } = await this.#http
      .request({
        method: 'POST',
        url: url.href,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form.toString(),
        onBody: (chunk) => reader.push(chunk),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(signal !== undefined && { signal }),
      })
      .catch((error: unknown) => {
        throw fromHttpError(error);
      });
    const serverMs = Date.parse(headers['date'] ?? '');
    if (!Number.isNaN(serverMs)) this.#onClock?.({ sentMs, receivedMs: Date.now(), serverMs });
    reader.push(body);
    const response = finish(status, reader);
    if (response.status === 'error' || status >= 300) throw fromResponse(status, response);
    return response.warnings;
  }
}

function finish(status: number, reader: ResponseReader): ApiResponse {
  try {
    return reader.end();
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    if (status >= 300) throw fromResponse(status, undefined);
    const what = error.code === 'TOO_LARGE' ? 'too large a response' : 'not a response of the Prometheus API';
    throw new PrometheusError(error.code, what, { cause: error, status });
  }
}

/** Drops samples at or before `startMs`: before version 3, Prometheus' ranges include their start. */
function after(series: RangeSeries, startMs: number): RangeSeries {
  const first = series.timestamps.findIndex((time) => time > startMs);
  if (first === 0) return series;
  const from = first < 0 ? series.timestamps.length : first;
  return { ...series, timestamps: series.timestamps.slice(from), values: series.values.slice(from) };
}

/** Formats a time or duration in seconds, with millisecond precision. */
function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
