/** One series of a response. `timestamps` (Unix milliseconds, ascending) and `values` have the same length. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** A response of the query API without its series: https://prometheus.io/docs/prometheus/latest/querying/api/ */
export interface ApiResponse {
  readonly status: 'success' | 'error';
  readonly errorType?: string;
  readonly error?: string;
  /** If not empty, the result may be partial. */
  readonly warnings: readonly string[];
}

/** The body isn't a response of the query API. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly code = 'UNPARSABLE';
}

type Point = readonly [number, string];
interface Element {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly Point[];
  readonly value?: Point;
}
interface Envelope {
  readonly status?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
}

// Neither text can occur inside a JSON string, where quotes are escaped, so both are found without parsing.
const RESULT = Buffer.from('"result":[{"metric":');
const NEXT = Buffer.from('},{"metric":');
const OPENING = '"result":['.length;
/** Upper bound of the bytes before the first series. A response with more of them is parsed as a whole. */
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Parses a response series by series as it arrives. A fleet's response has tens of thousands of series: neither its
 * bytes nor its parsed form is ever in memory as a whole. `visit` is called for each series, in the response's order.
 *
 * @example
 * const reader = new ResponseReader(({ labels }) => console.log(labels));
 * for await (const chunk of body) reader.push(chunk);
 * const { status } = reader.end();
 */
export class ResponseReader {
  readonly #visit: (series: RangeSeries) => void;
  /** The text before the first series, once that was found. */
  #head: string | undefined;
  /** Chunks that aren't parsed yet, in order. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(visit: (series: RangeSeries) => void) {
    this.#visit = visit;
  }

  /** Takes the next chunk, which may end anywhere. Never throws: `end` throws the first error. */
  push(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#head === undefined && this.#pendingBytes > MAX_HEAD_BYTES + chunk.length) return;
    try {
      this.#read();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** @throws ResponseError, possibly after `visit` was called for some series; also whatever `visit` threw. */
  end(): ApiResponse {
    if (this.#failure !== undefined) throw this.#failure.error;
    const rest = this.#join();
    if (this.#head === undefined) return parseWhole(rest, this.#visit);
    const end = objectEnd(rest, 0);
    this.#visit(toSeries(parseJson(rest.toString('utf8', 0, end)) as Element));
    return toResponse(parseJson(this.#head + rest.toString('utf8', end)) as Envelope);
  }

  /** Visits every series that is complete, which the start of the next one shows. */
  #read(): void {
    const bytes = this.#join();
    let from = 0;
    if (this.#head === undefined) {
      const at = bytes.indexOf(RESULT);
      if (at < 0) return;
      from = at + OPENING;
      this.#head = bytes.toString('utf8', 0, from);
    }
    for (let next = bytes.indexOf(NEXT, from); next >= 0; next = bytes.indexOf(NEXT, from)) {
      this.#visit(toSeries(parseJson(bytes.toString('utf8', from, next + 1)) as Element));
      from = next + 2;
    }
    this.#pending = [bytes.subarray(from)];
    this.#pendingBytes = bytes.length - from;
  }

  #join(): Buffer {
    const [first, ...more] = this.#pending;
    const joined = first !== undefined && more.length === 0 ? first : Buffer.concat(this.#pending);
    this.#pending = [joined];
    return joined;
  }
}

function parseWhole(body: Buffer, visit: (series: RangeSeries) => void): ApiResponse {
  const envelope = parseJson(body.toString()) as Envelope;
  const { resultType, result } = envelope?.data ?? {};
  if (resultType === 'scalar') visit(toSeries({ metric: {}, values: [result as Point] }));
  else for (const element of (Array.isArray(result) ? result : []) as readonly Element[]) visit(toSeries(element));
  return toResponse(envelope);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ResponseError('the response is not JSON', { cause: error });
  }
}

/** The offset just past the JSON object that starts at `start`. @throws ResponseError */
function objectEnd(body: Buffer, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = start; i < body.length; i++) {
    const byte = body[i];
    if (byte === 0x5c /* backslash */) i++;
    else if (byte === 0x22 /* quote */) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === 0x7b /* { */) depth++;
    else if (byte === 0x7d /* } */ && --depth === 0) return i + 1;
  }
  throw new ResponseError('the response is truncated');
}

function toResponse(envelope: Envelope): ApiResponse {
  const { status, errorType, error, warnings } = envelope ?? {};
  if (status !== 'success' && status !== 'error') throw new ResponseError('the response has no status');
  return {
    status,
    ...(errorType !== undefined && { errorType }),
    ...(error !== undefined && { error }),
    warnings: warnings ?? [],
  };
}

function toSeries(element: Element | null): RangeSeries {
  if (typeof element?.metric !== 'object') throw new ResponseError('a series has no labels');
  // Native histograms have `histograms` instead of `values`: they yield no samples here.
  const points = element.values ?? (element.value === undefined ? [] : [element.value]);
  const timestamps = new Float64Array(points.length);
  const values = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const point: unknown = points[i];
    if (!Array.isArray(point) || !Number.isFinite(point[0]))
      throw new ResponseError('expected a sample, [time, value]');
    timestamps[i] = Math.round((point[0] as number) * 1000);
    values[i] = parseValue(point[1]);
  }
  return { labels: element.metric, timestamps, values };
}

/** Parses a sample's value as Prometheus writes it: `1e-05`, `NaN`, `+Inf`, `-Inf`. @throws ResponseError */
export function parseValue(text: unknown): number {
  const value = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN;
  if (!Number.isNaN(value)) return value;
  switch (text) {
    case 'NaN':
      return Number.NaN;
    case '+Inf':
    case 'Inf':
      return Number.POSITIVE_INFINITY;
    case '-Inf':
      return Number.NEGATIVE_INFINITY;
    default:
      throw new ResponseError(`expected a sample's value, got ${JSON.stringify(text)}`);
  }
}
