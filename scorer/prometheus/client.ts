import type { HttpClient } from '../../daemon/http-client/client.ts';
import { AnswerError, AnswerReader, type Answer, type RangeSeries } from './answer.ts';
import { fromAnswer, fromHttpError, PrometheusError } from './error.ts';
import { fetchSpans, halveBySteps, halveByTime, splitSpan, type FetchSpan } from './span.ts';

export { PrometheusError, type PrometheusErrorCode } from './error.ts';
export type { RangeSeries } from './answer.ts';

export interface QueryResult {
  /** In the server's order; empty when `visit` was given. */
  readonly series: readonly RangeSeries[];
  /** Not empty: the result may be partial. */
  readonly warnings: readonly string[];
}

export interface QueryOptions {
  /** For each request, here and in the server. Default: the HTTP client's. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Takes each series as it is parsed, so that a large result is never in memory at once. Where the time
   * is split, a series comes in several parts, the older ones first.
   */
  readonly visit?: (series: RangeSeries) => void;
}

export interface RangeOptions extends QueryOptions {
  /**
   * How old a sample may be that still stands for a step. Sent as `lookback_delta`, which Prometheus
   * **ignores silently up to 2.42**: use `samples` where a sample's age matters.
   */
  readonly lookbackMs?: number;
}

export interface PrometheusClientOptions {
  /** Base of the API, `http://prometheus:9090` or with the path before `/api/v1`. */
  readonly url: string;
  readonly http: HttpClient;
  /** Prometheus refuses more than 11,000 points a series. */
  readonly maxPointsPerSeries?: number;
}

/** The least span of time that a query for samples is cut to. */
const LEAST_SPAN_MS = 1000;

/** Queries Prometheus' HTTP API; every method throws PrometheusError. */
export class PrometheusClient {
  readonly #base: string;
  readonly #http: HttpClient;
  readonly #maxPoints: number;

  constructor({ url, http, maxPointsPerSeries = 11_000 }: PrometheusClientOptions) {
    this.#base = `${url.replace(/\/+$/, '')}/api/v1`;
    this.#http = http;
    this.#maxPoints = maxPointsPerSeries;
  }

  /**
   * Evaluates `query` at `startMs`, `startMs + stepMs`, ... up to `endMs`. A span with more points than the
   * server allows, or with more samples than it loads, is fetched in pieces and joined.
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

  /** Evaluates `query` at one time: a series of one point each. */
  async query(query: string, timeMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const fetch: FetchSpan = ({ endMs }, visit) =>
      this.#fetch('query', { query, time: seconds(endMs) }, options, visit);
    return await fetchSpans([{ startMs: timeMs, endMs: timeMs }], () => undefined, fetch, options.visit);
  }

  /**
   * The samples of `selector` (a vector selector such as `up{job="x"}`) after `startMs` up to `endMs`, each with the
   * time at which it was written: nothing is looked back for, so a series that stopped is seen to have stopped.
   * Stale markers aren't returned.
   */
  async samples(selector: string, startMs: number, endMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const fetch: FetchSpan = ({ startMs: start, endMs: end }, visit) =>
      this.#fetch('query', { query: `${selector}[${end - start}ms]`, time: seconds(end) }, options, (series) => {
        const kept = after(series, start);
        if (kept.timestamps.length > 0) visit(kept);
      });
    return await fetchSpans([{ startMs, endMs }], halveByTime(LEAST_SPAN_MS), fetch, options.visit);
  }

  async #fetch(
    path: 'query' | 'query_range',
    parameters: Readonly<Record<string, string>>,
    { timeoutMs, signal }: QueryOptions,
    visit: (series: RangeSeries) => void,
  ): Promise<readonly string[]> {
    const form = new URLSearchParams(parameters);
    if (timeoutMs !== undefined) form.set('timeout', `${timeoutMs}ms`);
    const reader = new AnswerReader(visit);
    const { status, body } = await this.#http
      .request({
        method: 'POST',
        url: `${this.#base}/${path}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form.toString(),
        onBody: (chunk) => reader.push(chunk),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(signal !== undefined && { signal }),
      })
      .catch((error: unknown) => {
        throw fromHttpError(error);
      });
    reader.push(body);
    const answer = finish(status, reader);
    if (answer.status === 'error' || status >= 300) throw fromAnswer(status, answer);
    return answer.warnings;
  }
}

function finish(status: number, reader: AnswerReader): Answer {
  try {
    return reader.end();
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    if (status >= 300) throw fromAnswer(status, undefined);
    throw new PrometheusError('UNPARSABLE', 'not an answer of the Prometheus API', { cause: error, status });
  }
}

/** Without samples at `startMs` or before: before version 3 Prometheus' ranges include their start. */
function after(series: RangeSeries, startMs: number): RangeSeries {
  const first = series.timestamps.findIndex((time) => time > startMs);
  if (first === 0) return series;
  const from = first < 0 ? series.timestamps.length : first;
  return { ...series, timestamps: series.timestamps.slice(from), values: series.values.slice(from) };
}

/** Unix seconds, or a length in seconds, to the millisecond. */
function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
