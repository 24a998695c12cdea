/** One series of an answer: as many timestamps (Unix milliseconds, ascending) as values. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What a query API answered, whatever the status: https://prometheus.io/docs/prometheus/latest/querying/api/ */
export interface Answer {
  readonly status: 'success' | 'error';
  readonly errorType?: string;
  readonly error?: string;
  /** An answer with warnings may be partial. */
  readonly warnings: readonly string[];
}

/** The bytes aren't an answer of the query API. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
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

// Neither text can stand inside a JSON string, whose own quotes are escaped: so both are found without parsing.
const RESULT = Buffer.from('"result":[{"metric":');
const NEXT = Buffer.from('},{"metric":');
const OPENING = '"result":['.length;
/** Where the first series begins, at the latest; an answer that is told otherwise is parsed as a whole. */
const LONGEST_HEAD = 64 * 1024;

/**
 * Reads an answer as it arrives, series by series, so that neither its bytes nor its text nor its tree of small arrays is
 * ever in memory as a whole: the answer for a fleet has tens of thousands of series. `visit` sees them in the answer's order.
 *
 * @example
 * const reader = new AnswerReader(({ labels }) => console.log(labels));
 * for await (const chunk of body) reader.push(chunk);
 * const { status } = reader.end();
 */
export class AnswerReader {
  readonly #visit: (series: RangeSeries) => void;
  /** What came before the first series, once that was found. */
  #head: string | undefined;
  /** What came and isn't read yet, in order. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(visit: (series: RangeSeries) => void) {
    this.#visit = visit;
  }

  /** Takes the next bytes, which may end anywhere. Never throws: what is wrong is told by `end`. */
  push(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#head === undefined && this.#pendingBytes > LONGEST_HEAD + chunk.length) return;
    try {
      this.#read();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** @throws AnswerError, possibly after some series were visited, and whatever `visit` threw. */
  end(): Answer {
    if (this.#failure !== undefined) throw this.#failure.error;
    const rest = this.#join();
    if (this.#head === undefined) return parseWhole(rest, this.#visit);
    const end = objectEnd(rest, 0);
    this.#visit(toSeries(parseJson(rest.toString('utf8', 0, end)) as Element));
    return toAnswer(parseJson(this.#head + rest.toString('utf8', end)) as Envelope);
  }

  /** Visits every series that is there with the beginning of the next. */
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

function parseWhole(body: Buffer, visit: (series: RangeSeries) => void): Answer {
  const envelope = parseJson(body.toString()) as Envelope;
  const { resultType, result } = envelope?.data ?? {};
  if (resultType === 'scalar') visit(toSeries({ metric: {}, values: [result as Point] }));
  else for (const element of (Array.isArray(result) ? result : []) as readonly Element[]) visit(toSeries(element));
  return toAnswer(envelope);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AnswerError('the answer is not JSON', { cause: error });
  }
}

/** The offset behind the object that opens at `start`. */
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
  throw new AnswerError('the answer is cut off');
}

function toAnswer(envelope: Envelope): Answer {
  const { status, errorType, error, warnings } = envelope ?? {};
  if (status !== 'success' && status !== 'error') throw new AnswerError('an answer without a status');
  return {
    status,
    ...(errorType !== undefined && { errorType }),
    ...(error !== undefined && { error }),
    warnings: warnings ?? [],
  };
}

function toSeries(element: Element | null): RangeSeries {
  if (typeof element?.metric !== 'object') throw new AnswerError('a series without its labels');
  // Native histograms come as `histograms`, without `values`: no plain samples then.
  const points = element.values ?? (element.value === undefined ? [] : [element.value]);
  const timestamps = new Float64Array(points.length);
  const values = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const point: unknown = points[i];
    if (!Array.isArray(point) || !Number.isFinite(point[0])) throw new AnswerError('not a sample');
    timestamps[i] = Math.round((point[0] as number) * 1000);
    values[i] = parseValue(point[1]);
  }
  return { labels: element.metric, timestamps, values };
}

/** A sample's value as Prometheus writes it: `1e-05`, `NaN`, `+Inf`, `-Inf`. */
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
      throw new AnswerError(`not a sample's value: ${JSON.stringify(text)}`);
  }
}
