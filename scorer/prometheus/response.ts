import { GatheredBytes } from '../../daemon/received/gathered-bytes.ts';
import { parseReceivedJson } from '../../daemon/received/json.ts';
import { cutAndCount } from '../../daemon/text/visible.ts';

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

/** UNPARSABLE: the body isn't a response of the query API. TOO_LARGE: a part of it exceeds a limit. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly code: 'UNPARSABLE' | 'TOO_LARGE';

  constructor(message: string, options: ErrorOptions & { readonly code?: 'TOO_LARGE' } = {}) {
    super(message, options);
    this.code = options.code ?? 'UNPARSABLE';
  }
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
 * Bounds on what a server may send, in bytes: a response is as large as its fleet, but not its parts. A series of 11,000
 * points has 330 kB.
 */
export const RESPONSE_LIMITS = {
  /** A series, or what follows the last one. */
  seriesBytes: 4 * 1024 * 1024,
  /** A response that is not written like Prometheus', with spaces or another order: it is parsed as a whole. */
  wholeBytes: 8 * 1024 * 1024,
  /** Names and values of a series' labels, in characters. */
  labelChars: 65_536,
  /** Series of a response. 10,000 services have a million. */
  series: 5_000_000,
} as const;
/** An error or a warning, and how many warnings are kept. */
const MAX_MESSAGE_CHARS = 1000;
const MAX_WARNINGS = 20;

/**
 * Parses a response series by series as it arrives. A fleet's response has tens of thousands of series: neither its
 * bytes nor its parsed form is ever in memory as a whole. `visit` is called for each series, in the response's order.
 *
 * @example
 * const reader = new ResponseReader(({ labels }) => console.log(labels));
 * for await (const chunk of body) if (!reader.push(chunk)) break;
 * const { status } = reader.end();
 */
export class ResponseReader {
  readonly #visit: (series: RangeSeries) => void;
  /** The text before the first series, once that was found. */
  #head: string | undefined;
  /** What isn't parsed yet. */
  readonly #pending = new GatheredBytes();
  /** The start of what may be searched: no series starts before. */
  #from = 0;
  #series = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(visit: (series: RangeSeries) => void) {
    this.#visit = (series) => {
      if (++this.#series > RESPONSE_LIMITS.series) throw tooLarge('the response', RESPONSE_LIMITS.series, 'series');
      visit(series);
    };
  }

  /** Takes the next chunk, which may end anywhere. Returns false after an error, which `end` throws: never throws. */
  push(chunk: Buffer): boolean {
    if (this.#failure !== undefined) return false;
    try {
      this.#pending.push(chunk);
      this.#read();
    } catch (error) {
      this.#failure = { error };
    }
    return this.#failure === undefined;
  }

  /** @throws ResponseError, possibly after `visit` was called for some series; also whatever `visit` threw. */
  end(): ApiResponse {
    if (this.#failure !== undefined) throw this.#failure.error;
    const rest = this.#pending.bytes;
    if (this.#head === undefined) return parseWhole(rest, this.#visit);
    const end = objectEnd(rest, 0);
    this.#visit(toSeries(parseJson(rest.subarray(0, end)) as Element));
    return toResponse(parseJson(Buffer.concat([Buffer.from(this.#head), rest.subarray(end)])) as Envelope);
  }

  #read(): void {
    if (this.#head === undefined && !this.#findHead()) {
      if (this.#pending.length > RESPONSE_LIMITS.wholeBytes)
        throw tooLarge('a response in an unusual form', RESPONSE_LIMITS.wholeBytes);
      return;
    }
    this.#visitComplete();
    if (this.#pending.length > RESPONSE_LIMITS.seriesBytes) throw tooLarge('a series', RESPONSE_LIMITS.seriesBytes);
  }

  #findHead(): boolean {
    if (this.#from > MAX_HEAD_BYTES) return false;
    const bytes = this.#pending.bytes;
    const at = bytes.indexOf(RESULT, this.#from);
    this.#from = Math.max(0, bytes.length - RESULT.length);
    if (at < 0) return false;
    this.#head = bytes.toString('utf8', 0, at + OPENING);
    this.#pending.drop(at + OPENING);
    this.#from = 0;
    return true;
  }

  /** Visits every series that is complete, which the start of the next one shows. */
  #visitComplete(): void {
    const bytes = this.#pending.bytes;
    let start = 0;
    for (let next = bytes.indexOf(NEXT, this.#from); next >= 0; next = bytes.indexOf(NEXT, start)) {
      this.#visit(toSeries(parseJson(bytes.subarray(start, next + 1)) as Element));
      start = next + 2;
    }
    this.#pending.drop(start);
    this.#from = Math.max(0, this.#pending.length - NEXT.length);
  }
}

function tooLarge(what: string, limit: number, unit = 'bytes'): ResponseError {
  return new ResponseError(`${what} exceeds ${limit} ${unit}`, { code: 'TOO_LARGE' });
}

function parseWhole(body: Buffer, visit: (series: RangeSeries) => void): ApiResponse {
  const envelope = parseJson(body) as Envelope;
  const { resultType, result } = envelope?.data ?? {};
  if (resultType === 'scalar') visit(toSeries({ metric: {}, values: [result as Point] }));
  else for (const element of (Array.isArray(result) ? result : []) as readonly Element[]) visit(toSeries(element));
  return toResponse(envelope);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return parseReceivedJson(bytes);
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
    ...(error !== undefined && { error: shortened(error) }),
    warnings: Array.isArray(warnings) ? warnings.slice(0, MAX_WARNINGS).map(shortened) : [],
  };
}

function shortened(text: unknown): string {
  return cutAndCount(String(text), MAX_MESSAGE_CHARS);
}

function toSeries(element: Element | null): RangeSeries {
  if (typeof element?.metric !== 'object') throw new ResponseError('a series has no labels');
  checkLabels(element.metric);
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

function checkLabels(labels: Readonly<Record<string, unknown>>): void {
  let chars = 0;
  for (const name in labels) {
    const value = labels[name];
    if (typeof value !== 'string') throw new ResponseError('expected a text as the value of a label');
    chars += name.length + value.length;
  }
  if (chars > RESPONSE_LIMITS.labelChars) throw tooLarge('labels', RESPONSE_LIMITS.labelChars, 'characters');
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
